#!/bin/bash
# A backend maps many files: below this bound of the node it would die under load, so it does not start.
# Where this container is privileged (components/kernel-settings) it sets the bound, otherwise it says what to do.
set -euo pipefail
wanted=2000000
setting=/proc/sys/vm/max_map_count
found=$(cat "$setting")

if [[ "$found" -ge "$wanted" ]]; then
    echo "vm.max_map_count is $found: enough."
elif echo "$wanted" 2>/dev/null > "$setting"; then
    echo "vm.max_map_count was $found and is $(cat "$setting") now."
elif [[ "${SKIP_CHECK_ULIMIT:-false}" == true ]]; then
    echo "vm.max_map_count is $found, $wanted is asked for: left so, since SKIP_CHECK_ULIMIT is true."
else
    echo "vm.max_map_count of this node is $found, a Doris backend needs $wanted: set it on the nodes (docs/kubernetes.md, Doris), or add components/kernel-settings to the overlay."
    exit 1
fi
