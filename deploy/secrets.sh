#!/usr/bin/env bash
# Prints the settings of a new server: all TEAM_... that are set, and passwords and keys drawn at random.
#     TEAM_HOSTS=team.example:5000 TEAM_ADMIN_PASSWORD=... deploy/secrets.sh > deploy/.env
# Keep a copy, without which a backup is of little use, and show it to nobody.
set -euo pipefail

: "${TEAM_HOSTS:?the names by which members reach the server, with the port, such as team.example:5000}"
: "${TEAM_ADMIN_PASSWORD:?the first password of the account admin, of 12 characters or more}"
if ((${#TEAM_ADMIN_PASSWORD} < 12)) || [[ $TEAM_ADMIN_PASSWORD == *"'"* ]]; then
    echo "The password of admin has to have 12 characters or more, and no quote (')." >&2
    exit 1
fi
draw() { head -c 32 /dev/urandom | base64 | tr '+/' '-_'; }
: "${TEAM_DATABASE_PASSWORD:=$(draw)}" "${TEAM_STUDIES_PASSWORD:=$(draw | tr -d =)}"
: "${TEAM_SECRET_KEY:=$(draw)}" "${TEAM_WEBHOOK_KEY:=$(draw)}"
for name in "${!TEAM_@}"; do
    echo "$name='${!name}'"
done
