#!/bin/bash
# Writes the applications' passwords and rights into Kafka. Run again, it changes nothing but passwords that are new.
# Passwords come as files of their user's name, and go on as files: an argument would stand in the list of processes.
set -euo pipefail
here=/etc/carbon
bin=/opt/kafka/bin
server=(--bootstrap-server "$BOOTSTRAP" --command-config "$here/admin.properties")

until "$bin/kafka-broker-api-versions.sh" "${server[@]}" >/dev/null 2>/tmp/why; do
  echo "Kafka does not answer yet: $(tail -n 1 /tmp/why)"
  sleep 5
done

for file in "$here"/passwords/*; do
  user=$(basename "$file")
  (umask 077 && printf 'SCRAM-SHA-512=iterations=8192,password=%s\n' "$(cat "$file")" >/tmp/password)
  "$bin/kafka-configs.sh" "${server[@]}" --alter --entity-type users --entity-name "$user" --add-config-file /tmp/password
  rm /tmp/password
done

while read -r user kind names meant operations; do
  case $user in '' | '#'*) continue ;; esac
  arguments=()
  IFS=, read -r -a each <<<"$names"
  for name in "${each[@]}"; do arguments+=("--$kind" "$name"); done
  IFS=, read -r -a each <<<"$operations"
  for operation in "${each[@]}"; do arguments+=(--operation "$operation"); done
  echo "$user: $operations on $kind $names"
  "$bin/kafka-acls.sh" "${server[@]}" --add --allow-principal "User:$user" --resource-pattern-type "$meant" "${arguments[@]}" >/dev/null
done <"$here/rights.txt"
echo "passwords and rights are written"
