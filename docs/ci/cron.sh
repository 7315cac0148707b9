#!/usr/bin/env bash
# dpgate without a build server: releases what is ready, from cron or a systemd timer, on the machine near
# the data. A line of a crontab:
#
#   17 * * * * /opt/dpgate/cron.sh /srv/releases >>/var/log/dpgate.log 2>&1
#
# Variables: DPGATE_ROOT, the genesis digest (required); DPGATE_SOURCE, a URI, or DATASET=URI, one a line
# (required); DPGATE_KEY, the runner's key file or `agent` (required); DPGATE_OUT, folder for the files;
# DPGATE_BRANCH, main by default. The exit code is dpgate's: 0 also if nothing was ready.
set -euo pipefail

repository=${1:?the clone to release from}
branch=${DPGATE_BRANCH:-main}
: "${DPGATE_ROOT:?the genesis digest, kept outside the repository}"
: "${DPGATE_SOURCE:?the private data}" "${DPGATE_KEY:?the key of the runner}"

# One at a time on this machine. Elsewhere the ledger's compare-and-swap decides.
exec 9>"${TMPDIR:-/tmp}/dpgate-$(id -u).lock"
if ! flock --nonblock 9; then
  echo "another run is going on"
  exit 0
fi

cd "$repository"
git fetch --quiet origin
git checkout --quiet --force -B "$branch" "origin/$branch"
exec dpgate ci release --root "$DPGATE_ROOT" --key "$DPGATE_KEY"
