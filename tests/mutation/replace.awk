# SPDX-License-Identifier: GPL-2.0-only
#
# Replaces $FROM by $TO, both literal (but for \n and \t), in the function or table $NAME of a C
# file ("-": in all of it). Exit 3: it is not there, 4: it is there more than once.

BEGIN {
	name = ENVIRON["NAME"]
	from = ENVIRON["FROM"]
	to = ENVIRON["TO"]
	gsub(/\\n/, "\n", from)
	gsub(/\\t/, "\t", from)
	gsub(/\\n/, "\n", to)
	gsub(/\\t/, "\t", to)
	inside = name == "-" ? 2 : 0 # 1: the head of what may be its definition, 2: its body
}

!inside && $0 ~ ("^[^ \t#/*}].*[^A-Za-z0-9_]" name "[[(]") { inside = 1 }
{
	if (inside)
		body = body $0 "\n"
	else if (done)
		after = after $0 "\n"
	else
		before = before $0 "\n"
}
inside == 1 && /\{$/ { inside = 2 }
inside == 1 && /;$/ { # only declared here
	before = before body
	body = ""
	inside = 0
}
inside == 2 && /^}/ && name != "-" {
	inside = 0
	done = 1
	name = "\n"
}

END {
	at = index(body, from)
	if (!at)
		exit 3
	rest = substr(body, at + length(from))
	if (index(rest, from))
		exit 4
	printf "%s%s%s%s%s", before, substr(body, 1, at - 1), to, rest, after
}
