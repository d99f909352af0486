#!/usr/bin/env bash
# Prints the settings of a new server, with passwords and keys drawn at random; keep them, and keep them to yourself.
#     TEAM_HOSTS=team.example:5000 TEAM_ADMIN_PASSWORD=... deploy/secrets.sh > deploy/.env
set -euo pipefail

password=${TEAM_ADMIN_PASSWORD:?the first password of the account admin, of 12 characters or more}
if ((${#password} < 12)) || [[ $password == *"'"* ]]; then
    echo "The password of admin has to have 12 characters or more, and no quote (')." >&2
    exit 1
fi
draw() { openssl rand -base64 32 | tr '+/' '-_'; }
cat <<SETTINGS
TEAM_HOSTS='${TEAM_HOSTS:?the names by which members reach the server, with the port, such as team.example:5000}'
TEAM_ADMIN_PASSWORD='$password'
TEAM_DATABASE_PASSWORD='$(openssl rand -hex 16)'
TEAM_STUDIES_PASSWORD='$(openssl rand -hex 16)'
TEAM_SECRET_KEY='$(draw)'
TEAM_WEBHOOK_KEY='$(draw)'
SETTINGS
