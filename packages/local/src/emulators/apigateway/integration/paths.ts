/** Whether a request's target is the address of the sockets: `/dev`, with or without a slash at the end. */
export function isSocketPath(stage: string, target: string): boolean {
  const path = pathOf(target)
  return path === `/${stage}` || path === `/${stage}/`
}

/** The id in `/dev/@connections/{id}`, decoded; null for a target that is no such path. */
export function parseCallbackPath(stage: string, target: string): string | null {
  const [empty, first, second, id, ...rest] = pathOf(target).split('/').map(decode)
  const fits = empty === '' && first === stage && second === '@connections' && rest.length === 0
  return fits && id !== undefined ? id : null
}

/** Whether a target lies under the stage at all; the rest is open to pages. */
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
    return segment // not a valid escape: then it is no valid id either
  }
}
