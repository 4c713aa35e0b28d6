const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi
/** The paths of REST-Sessions that end in a token, however it is written. */
const TOKEN_PATH = /^(\/[^/]*\/(?:get|set|kill)\/).+/s

/** A path with nothing in it that opens a session: clients have been seen to put the id where a number belongs. */
export function withoutIds(path: string): string {
  return path.replace(TOKEN_PATH, '$1<id>').replace(UUID, '<id>')
}
