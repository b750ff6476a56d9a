#!/usr/bin/env bash
# Runs a command in a throw-away network namespace in which browsers and SDKs connect media:
# loopback, and one veth pair with the address 10.77.0.1. No packet can leave it.
set -euo pipefail
enter=(unshare --net)
[ "$(id -u)" = 0 ] || enter=(unshare --user --map-root-user --net)
exec "${enter[@]}" bash -c '
  set -e
  PATH=$PATH:/usr/sbin:/sbin
  ip link set lo up
  ip link add veth-a type veth peer name veth-b
  ip addr add 10.77.0.1/24 dev veth-a
  ip link set veth-a up
  ip link set veth-b up
  exec "$@"' netns "$@"
