package carbon.flink.script;

import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.flink.api.dag.Transformation;
import org.apache.flink.streaming.api.transformations.PhysicalTransformation;

/**
 * Names and uids of operators that stay the same from one submission to the next.
 *
 * <p>Flink numbers the operators of SQL by a counter of the whole JobManager, and finds the state of an operator without a uid
 * by the shape of everything before it. So the same job would show other names in its metrics each time, and a column more
 * would lose its offsets. Here an operator is called what it is, {@code raw_prices} or {@code GlobalGroupAggregate}, with a
 * number only where there are several of a kind.
 */
final class OperatorNames {
    private static final Pattern COUNTERS = Pattern.compile("\\[\\d+]|\\$\\d+\\*|\\*");

    private OperatorNames() {}

    /** Gives a name to every operator, and a uid to those that have none. */
    static void assign(List<Transformation<?>> roots) {
        Map<String, Integer> seen = new HashMap<>();
        for (Transformation<?> operator : inOrder(roots)) {
            String kind = COUNTERS.matcher(operator.getName()).replaceAll("").strip();
            int number = seen.merge(kind, 1, Integer::sum);
            String name = number == 1 ? kind : kind + "-" + number;
            operator.setName(name);
            if (operator.getUid() == null) {
                operator.setUid(name);
            }
        }
    }

    private static Set<Transformation<?>> inOrder(List<Transformation<?>> roots) {
        Set<Transformation<?>> ordered = new LinkedHashSet<>();
        roots.forEach(root -> visit(root, ordered));
        ordered.removeIf(operator -> !(operator instanceof PhysicalTransformation));
        return ordered;
    }

    private static void visit(Transformation<?> operator, Set<Transformation<?>> ordered) {
        if (ordered.contains(operator)) {
            return;
        }
        operator.getInputs().forEach(input -> visit(input, ordered));
        ordered.add(operator);
    }
}
