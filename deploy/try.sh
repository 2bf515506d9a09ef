#!/bin/sh
# Tries what deploy/Dockerfile and deploy/vitrine.service promise, on a machine without docker or systemd: the same commands, as an
# account without rights, on a tree that it cannot write, with one writable folder. Needs root (to become somebody else), and an
# environment with the requirements (default: .venv).
#
#   sudo sh deploy/try.sh [ENVIRONMENT]
#
# What is left for a machine with docker:  docker build -f deploy/Dockerfile -t vitrine . && docker run --rm --read-only \
#   --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges -p 127.0.0.1:8501:8501 -v vitrine:/data vitrine
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
environment=$(readlink -f "${1:-$here/.venv}")
account=nobody
place=$(mktemp -d)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
server=
trap 'test -z "$server" || kill -9 "$server" 2>/dev/null; rm -rf "$place"' EXIT

echo "A tree as the image has it, owned by root and writable by nobody; one folder for $account."
mkdir "$place/app" "$place/data"
(cd "$here" && tar -cf - --exclude __pycache__ --exclude starter/make app.py .streamlit/config.toml engine cache pages starter) |
    tar -xf - -C "$place/app"
chmod -R a+rX,a-w "$place/app"
chmod 711 "$place"
chown "$account" "$place/data"
chmod 700 "$place/data"

as_account() {
    setpriv --reuid="$account" --regid="$(id -g "$account")" --clear-groups --no-new-privs --bounding-set=-all \
        env -i PATH="$environment/bin:/usr/bin:/bin" HOME="$place/data" VITRINE_CACHE="$place/data/cache" \
        HF_HOME="$place/data/models" PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 OMP_NUM_THREADS=1 "$@"
}

ask() {
    python3 -c 'import sys, urllib.request, urllib.error
try: print(urllib.request.urlopen(sys.argv[1], timeout=8).read().decode())
except urllib.error.HTTPError as error: print(error.read().decode())
except OSError: print("nothing")' "http://127.0.0.1:$port$1"
}

cd "$place/app"
as_account "$environment/bin/python" -c '' || { echo "$account cannot run $environment/bin/python" >&2; exit 1; }
if as_account sh -c 'touch app.py 2>/dev/null || touch new 2>/dev/null'; then
    echo "The tree can be written; the trial would show nothing." >&2
    exit 1
fi
as_account "$environment/bin/python" -m streamlit run app.py --server.address=127.0.0.1 --server.port="$port" \
    >"$place/log" 2>&1 &
for _ in $(seq 240); do
    case $(ask /api/ready) in *'"ready"'*) break ;; esac
    sleep 0.5
done
ask /api/health | grep -q alive || { cat "$place/log" >&2; exit 1; }
ask /api/ready | grep -q '"ready"' || { ask /api/ready >&2; cat "$place/log" >&2; exit 1; }
server=$(pgrep -u "$account" -f "server.port=$port" | head -n 1)
echo "alive and ready as $account"
ask /api/metrics | grep -E '^vitrine_(ready|cache_results) ' || true
as_account "$environment/bin/python" -m engine cache backup "$place/data/copy"
test -z "$(find "$place/app" -user "$account")"
kill -TERM "$server"
wait
server=
tail -n 3 "$place/log"
grep -q 'ended' "$place/log"
find "$place/data" -maxdepth 1 -mindepth 1 -printf 'kept: %f\n'
echo "ended in order; nothing outside the folder was written"
