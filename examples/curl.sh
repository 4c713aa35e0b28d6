#!/bin/sh
# Reads an unread text, comments it and marks it as read, with curl 7.82 or later.
#
#   examples/curl.sh [URL of a LysKOM server on komgate]
#
# The default URL is that of the demo server, which `npm start` serves.
set -eu

base=${1:-http://127.0.0.1:5001/demo}
person=6     # Demo Reader
password=demo
conference=9 # Testing (is) allowed

# The connection id gives full access to the session. It is kept in a file that only its owner can read: arguments of a
# command show up in `ps`, and URLs in logs.
umask 077
headers=$(mktemp)

# Sends a request and prints the response. Errors, that is statuses of 400 and above, go to standard error.
#   kom PATH [curl options]
kom() {
  path=$1
  shift
  if response=$(curl --silent --show-error --fail-with-body --max-time 60 --header "@$headers" "$@" "$base$path"); then
    [ -z "$response" ] || printf '%s\n' "$response"
  else
    printf '%s: %s\n' "$path" "$response" >&2
    return 1
  fi
}

# Prints the first value of a key in a JSON document: a number, or a string with its quotes and escapes.
#   value KEY JSON
value() {
  printf '%s\n' "$2" | grep -oE "\"$1\":(\"([^\"\\\\]|\\\\.)*\"|[0-9]+)" | head -n 1 | cut -d : -f 2-
}

# Closes the session also when the script fails. A session that stays open ends after 30 minutes without a request.
clean_up() {
  if [ -s "$headers" ]; then kom /sessions/0 --request DELETE || true; fi
  rm -f "$headers"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Open a session. Each further request carries the connection id of the response.
opened=$(kom /sessions/ --json '{"client": {"name": "curl.sh", "version": "1"}}')
printf 'Httpkom-Connection: %s\n' "$(value connection_id "$opened" | tr -d '"')" > "$headers"

# Log in. The password goes through standard input and does not show up in `ps` either.
person_found=$(printf '{"pers_no": %s, "passwd": "%s"}' "$person" "$password" | kom /sessions/current/login --json @-)
echo "Logged in as $(value pers_name "$person_found")."

# List the unread texts of the conference.
unread=$(kom "/persons/$person/memberships/$conference/unread")
echo "Unread texts in conference $conference: $(value no_of_unread "$unread")"
text_no=$(printf '%s\n' "$unread" | sed -n 's/.*"unread_texts":\[\([0-9]*\).*/\1/p')

if [ -n "$text_no" ]; then
  # Read the first one: its subject and author as JSON, its body as plain text.
  text=$(kom "/texts/$text_no")
  subject=$(value subject "$text")
  echo "Text $text_no by $(value pers_name "$text"): $subject"
  kom "/texts/$text_no/body"

  # Write a comment to it, with the same subject.
  comment=$(kom /texts/ --json @- << END
{
  "subject": $subject,
  "body": "I have read this with curl.",
  "content_type": "text/plain",
  "recipient_list": [{"type": "to", "recpt": {"conf_no": $conference}}],
  "comment_to_list": [{"type": "comment", "text_no": $text_no}]
}
END
  )
  comment_no=$(value text_no "$comment")
  echo "Wrote text $comment_no."

  # Mark both as read.
  kom "/texts/$text_no/read-marking" --request PUT
  kom "/texts/$comment_no/read-marking" --request PUT
  echo "Marked texts $text_no and $comment_no as read."
fi

# Close the session.
kom /sessions/0 --request DELETE
: > "$headers"
echo 'Closed the session.'
