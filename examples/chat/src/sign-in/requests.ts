import * as z from 'zod' // shared with the browser: no server import

/** A room that a moderator takes from somebody, or gives back. */
export const rightsChange = z.object({ name: z.string(), room: z.string(), lost: z.boolean() })
type RightsChange = z.infer<typeof rightsChange>

const tokenAnswer = z.object({ access_token: z.string() })
const refusal = z.object({ error: z.string() })
const timeoutMs = 10_000 // 10 s: the connection then tries again

/** Signs in by a name. Resolves to an access token, which is valid for some minutes. */
export async function requestToken(issuer: string, name: string): Promise<string> {
  const body = new URLSearchParams({ grant_type: 'password', username: name })
  return tokenAnswer.parse(await ask(issuer, 'token', { body })).access_token
}

/** Changes which rooms somebody may enter, with a moderator's token. The next token of that person says so. */
export async function changeRights(issuer: string, token: string, change: RightsChange): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  await ask(issuer, 'rights', { headers, body: JSON.stringify(change) })
}

async function ask(issuer: string, path: string, init: Pick<RequestInit, 'body' | 'headers'>): Promise<unknown> {
  const response = await fetch(`${issuer}/${path}`, { ...init, method: 'POST', signal: AbortSignal.timeout(timeoutMs) })
  const answer: unknown = response.status === 204 ? undefined : await response.json()
  if (response.ok) return answer
  throw new Error(refusal.safeParse(answer).data?.error ?? `The issuer of tokens answered ${response.status}.`)
}
