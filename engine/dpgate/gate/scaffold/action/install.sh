#!/usr/bin/env bash
# Installs dpgate into an environment of this job's own, and says where: output `dpgate`.
# Nothing of the checkout is imported (-I): a pull request may hold a pip.py.
set -euo pipefail

if [[ -z $DPGATE_VERSION && -z $DPGATE_REQUIREMENTS ]]; then
  dpgate=$(command -v dpgate) || {
    echo "::error title=dpgate::no version was asked for, and this runner has no dpgate on its PATH"
    exit 2
  }
  echo "dpgate=$dpgate" >>"$GITHUB_OUTPUT"
  exit 0
fi

python=$(command -v python3 || command -v python)
environment=$RUNNER_TEMP/dpgate-environment
"$python" -I -m venv --clear "$environment"
install=("$environment/bin/python" -I -m pip install --quiet --disable-pip-version-check --no-input)

if [[ -n $DPGATE_REQUIREMENTS ]]; then
  "${install[@]}" --require-hashes --no-deps --requirement "$DPGATE_REQUIREMENTS"
elif [[ $DPGATE_VERSION =~ ^[0-9]+(\.[0-9]+)*((a|b|rc)[0-9]+)?$ ]]; then
  extra=""
  if [[ $DPGATE_COMMAND == release ]]; then
    extra="[synth]" # checking and planning do without
  fi
  "${install[@]}" --only-binary=:all: "dpgate$extra==$DPGATE_VERSION"
else
  echo "::error title=dpgate::the input version is no version number"
  exit 2
fi
echo "dpgate=$environment/bin/dpgate" >>"$GITHUB_OUTPUT"
