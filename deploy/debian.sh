#!/usr/bin/env bash
# Sets the server up on a Debian machine, as root, with the settings of compose.yaml. Typed again, it upgrades.
#     TEAM_HOSTS=team.example:5000 TEAM_ADMIN_PASSWORD=... deploy/debian.sh
# Everything is in /srv/mnist-mlflow: settings (deploy/.env), programs, artifacts, backups.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
home=${TEAM_HOME:-/srv/mnist-mlflow}
python=$home/venv/bin/python
settings=$home/deploy/.env
has_systemd() { [[ -d /run/systemd/system ]]; }
as() { runuser -u "$1" -- "${@:2}"; }

write_settings() {
    id mnist-mlflow >/dev/null 2>&1 || useradd --system --home-dir "$home" mnist-mlflow
    install --directory "$home/deploy"
    [[ -s $settings ]] || (umask 077 && "$here/secrets.sh" >"$settings")
    chown mnist-mlflow "$settings"
    set -a
    # shellcheck source=/dev/null
    source "$settings"
    set +a
}

install_programs() {
    dpkg --status postgresql python3-venv >/dev/null 2>&1 ||
        apt-get install --yes --no-install-recommends postgresql python3-venv
    install --directory --owner=mnist-mlflow "$home/artifacts" "$home/backups"
    install --mode=755 "$here"/*.sh "$home/deploy"
    install --mode=644 "$here"/{*.py,*.ini,*.yaml} "$home/deploy"
    [[ -x $python ]] || /usr/bin/python3 -m venv "$home/venv"
    "$python" -m pip install --quiet --constraint "$here/../requirements.txt" --requirement "$here/server.txt"
}

prepare_database() {
    service postgresql start
    as postgres "$home/deploy/databases.sh"
    as postgres psql --quiet --command "ALTER SYSTEM SET listen_addresses = '*'"
    local rules
    rules=$(as postgres psql --tuples-only --no-align --command "SHOW hba_file")
    grep --quiet "^host optuna optuna" "$rules" || echo "host optuna optuna all scram-sha-256" >>"$rules"
    service postgresql restart
}

stop_server() {
    if has_systemd; then
        systemctl stop mnist-mlflow 2>/dev/null || true
    else
        while pkill --uid mnist-mlflow; do sleep 1; done # the user of this server alone
    fi
}

start_server() {
    if has_systemd; then
        sed "s|/srv/mnist-mlflow|$home|g" "$here/mnist-mlflow.service" >/etc/systemd/system/mnist-mlflow.service
        systemctl daemon-reload
        systemctl enable --quiet --now mnist-mlflow
    else
        setsid runuser -u mnist-mlflow -- "$python" "$home/deploy/service.py" server >>"$home/server.log" 2>&1 &
        "$python" "$home/deploy/service.py" server wait
    fi
}

write_settings
install_programs
cd "$home" # where every user may be
stop_server
prepare_database
as mnist-mlflow "$python" "$home/deploy/service.py" migrate
start_server
echo "The server answers on port ${TEAM_PORT:-5000}."
