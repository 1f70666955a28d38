import java.lang.reflect.Method;
import java.util.Set;
import java.util.TreeSet;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.runtime.distributed.Crypto;
import org.apache.kafka.connect.runtime.distributed.DistributedConfig;
import org.apache.kafka.metadata.authorizer.StandardAuthorizer;
import org.apache.kafka.server.config.AbstractKafkaConfig;

/** Prints every setting that Kafka's parts know, one a line: part and key. */
class Keys {
  public static void main(String[] unused) throws Exception {
    print("broker", AbstractKafkaConfig.CONFIG_DEF.names());
    // Handed to the authorizer that authorizer.class.name names.
    print(
        "broker",
        Set.of(
            StandardAuthorizer.SUPER_USERS_CONFIG,
            StandardAuthorizer.ALLOW_EVERYONE_IF_NO_ACL_IS_FOUND_CONFIG));
    print("producer", ProducerConfig.configNames());
    print("consumer", ConsumerConfig.configNames());
    print("admin", AdminClientConfig.configNames());
    // The worker's own list is not public.
    Method worker = DistributedConfig.class.getDeclaredMethod("config", Crypto.class);
    worker.setAccessible(true);
    print("worker", ((ConfigDef) worker.invoke(null, Crypto.SYSTEM)).names());
  }

  private static void print(String part, Set<String> names) {
    for (String name : new TreeSet<>(names)) {
      System.out.println(part + " " + name);
    }
  }
}
