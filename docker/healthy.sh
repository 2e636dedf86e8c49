#!/usr/bin/env bash
# Health checks of docker-compose.yml that run every few seconds: without Python, whose start costs a good part of a
# second of a core. Exit 0 where the service of this container does its work.
#
#   healthy.sh http PORT PATH | files DIRECTORY SECONDS
set -euo pipefail

case $1 in
    http)
        # A web server of this container answers PATH with 200.
        exec 3<>"/dev/tcp/127.0.0.1/$2"
        printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$3" >&3
        read -r -t 5 answer <&3
        [[ $answer == HTTP/*\ 200\ * ]]
        ;;
    files)
        # A file came to DIRECTORY, or went, within SECONDS.
        [ $(($(date +%s) - $(stat -c %Y "$2"))) -lt "$3" ]
        ;;
    *)
        echo "no such check: $1"
        exit 1
        ;;
esac
