#!/bin/sh
# Makes ("create") or updates ("update", before a newer server is started) Temporal's two databases on PostgreSQL.
# From the environment: SQL_HOST, SQL_PORT, SQL_USER (may make databases when it creates), SQL_PASSWORD, and
# TEMPORAL_SQL_TOOL where temporal-sql-tool is not on PATH. The schema itself is within the tool.
set -eu
task=${1:?"say create or update"}
tool=${TEMPORAL_SQL_TOOL:-temporal-sql-tool}
export SQL_PLUGIN=postgres12

for part in temporal visibility; do
  case $part in
    temporal) database=temporal ;;
    visibility) database=temporal_visibility ;;
  esac
  if [ "$task" = create ]; then
    "$tool" --database "$database" create-database
    "$tool" --database "$database" setup-schema --version 0.0
  fi
  "$tool" --database "$database" update-schema --schema-name "postgresql/v12/$part"
done
