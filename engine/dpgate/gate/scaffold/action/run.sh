#!/usr/bin/env bash
# Runs the command that the input `command` names. Everything comes by variables, nothing by text.
set -euo pipefail

results=$RUNNER_TEMP/dpgate-results
rm -rf "$results"

case $DPGATE_COMMAND in
check)
  exec "$DPGATE" ci check --rules-only --report "$results"
  ;;
plan)
  words=(--offline --report "$results")
  if [[ -n $DPGATE_ROOT ]]; then
    words+=(--root "$DPGATE_ROOT")
  fi
  if [[ $DPGATE_ALLOW_WAITING == true ]]; then
    words+=(--allow-waiting)
  fi
  exec "$DPGATE" ci check "${words[@]}"
  ;;
release)
  words=(--key "$DPGATE_KEY" --record "$results")
  if [[ -n $DPGATE_ROOT ]]; then
    words+=(--root "$DPGATE_ROOT")
  fi
  exec "$DPGATE" ci release "${words[@]}" # data and folder by DPGATE_SOURCE and DPGATE_OUT
  ;;
*)
  echo "::error title=dpgate::the input command is check, plan or release"
  exit 2
  ;;
esac
