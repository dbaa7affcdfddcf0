import { anonymous, type CreateContextOptions, deny, type TopicCaller } from '@trunkline/server'
import { jwtAuthorizer } from '@trunkline/server/jwt'
import * as z from 'zod'
import { guestName } from './schemas.ts'

/** What a token says of its user. `lost_rooms` are rooms that a moderator took from the user. */
const payload = z.object({
  name: guestName,
  roles: z.array(z.string()).default([]),
  lost_rooms: z.array(z.string()).default([]),
})

/** What the line keeps of a token. */
export type Claims = { readonly name: string; readonly isModerator: boolean; readonly lostRooms: readonly string[] }

/** The issuer of the users' tokens. */
export interface IssuerSettings {
  /** The value of `iss`. */
  readonly issuer: string
  /** @default `/jwks.json` of the issuer */
  readonly jwksUri?: string
  /** @default the machine's clock */
  readonly clock?: { readonly now: () => number }
}

/** Without a token, a visitor may read but not write. A token that does not pass refuses the connection with a reason. */
export const createAuthorize = ({ issuer, jwksUri = `${issuer}/jwks.json`, clock }: IssuerSettings) =>
  jwtAuthorizer({
    issuer,
    audience: 'chat',
    jwksUri,
    anonymous: true,
    requiredClaims: ['name'],
    check: (token) => (payload.safeParse(token).success ? undefined : deny('A name has 1 to 40 visible characters.')),
    claims: (token): Claims => {
      const { name, roles, lost_rooms: lostRooms } = payload.parse(token)
      return { name, isModerator: roles.includes('moderator'), lostRooms }
    },
    ...(clock && { clock }),
  })

type Authorize = ReturnType<typeof createAuthorize>

/** Everybody may read, and nobody may write. */
const readersOnly: Authorize = async ({ token }) =>
  token === undefined ? anonymous : deny('This chat has no issuer of tokens. Set CHAT_ISSUER to the address of yours.')

/** `authorize` by the environment: CHAT_ISSUER, and CHAT_JWKS_URI if its keys are not at `/jwks.json`. */
export function authorizeOfEnvironment({ CHAT_ISSUER: issuer, CHAT_JWKS_URI: jwksUri } = process.env): Authorize {
  return issuer ? createAuthorize({ issuer, ...(jwksUri && { jwksUri }) }) : readersOnly
}

export const createContext = (call: CreateContextOptions<Authorize>) => ({
  user: call.principal === null ? null : { id: call.principal, ...call.claims },
})
export type Context = ReturnType<typeof createContext>

/** The principal of a user, as `sub` of a token has it. */
export const principalOf = (name: string): string => `user:${name}`

/** `authorize` of the channels: asked at a subscribe, and again when a new token has other claims. */
export function mayEnter({ room }: { readonly room: string }, { claims }: TopicCaller<Claims>): true | string {
  return claims?.lostRooms.includes(room) ? `You are not a member of #${room} any more.` : true
}
