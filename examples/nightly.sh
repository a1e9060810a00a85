#!/bin/sh
# What cron or a systemd timer calls: nightly.sh REPOSITORY REPORT. For example, in a crontab:
#   0 23 * * *  /path/to/nightly.sh ~/notes ~/night.md
# The report is written whatever happened; the exit code is the night's own.
set -u
repository=$1
report=$2
shift 2

code=0
pantheon-git -C "$repository" run --quiet --until 06:00 "$@" || code=$?
pantheon-git -C "$repository" report --output "$report" || code=$?
exit "$code"
