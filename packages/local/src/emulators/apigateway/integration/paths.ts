/** Whether a request's target is the WebSocket address: `/dev`, with or without a trailing slash. */
export function isSocketPath(stage: string, target: string): boolean {
  const path = pathOf(target)
  return path === `/${stage}` || path === `/${stage}/`
}

/** The decoded connection id in `/dev/@connections/{id}`. Null for any other target. */
export function parseCallbackPath(stage: string, target: string): string | null {
  const [empty, first, second, id, ...rest] = pathOf(target).split('/').map(decode)
  const fits = empty === '' && first === stage && second === '@connections' && rest.length === 0
  return fits && id !== undefined ? id : null
}

/** Whether a target is a route of the HTTP API: `/dev/frames`, or below `/dev/read`. */
export function isHttpRoute(stage: string, target: string): boolean {
  const path = pathOf(target)
  return path === `/${stage}/frames` || path.startsWith(`/${stage}/read/`)
}

/** Whether a target is below the stage. Other paths are available to pages. */
export function isUnderStage(stage: string, target: string): boolean {
  const path = pathOf(target)
  return path === `/${stage}` || path.startsWith(`/${stage}/`)
}

function pathOf(target: string): string {
  const end = target.indexOf('?')
  return end < 0 ? target : target.slice(0, end)
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment // an invalid escape is not a valid id either
  }
}
