#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A guest's end of the line to its host, on standard input and output. An order is a script in base64
# behind its MD5 sum; the answer is exit code, output and errors, the latter two in base64 with a dash
# behind each, and behind a sum of its own. On a busy host bytes get lost on the way: an order that
# does not fit its sum is not carried out, which the code "?" says, and one that comes again is
# answered again.
stty raw -echo
echo READY
while read -r sum order; do
	set -- $(echo "$order" | md5sum)
	if [ "$1" != "$sum" ]; then
		said="? - -"
	elif [ "$sum" = "$done" ]; then
		said=$answer
	else
		echo "$order" | base64 -d > /run/line.order
		sh /run/line.order > /run/line.out 2> /run/line.err < /dev/null
		answer="$? $(base64 -w 0 /run/line.out)- $(base64 -w 0 /run/line.err)-"
		done=$sum said=$answer
	fi
	set -- $(echo "$said" | md5sum)
	echo "$1 $said"
done
