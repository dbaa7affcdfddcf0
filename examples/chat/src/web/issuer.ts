import { changeRights, requestToken } from '../sign-in/requests.ts'
import { currentName } from './identity.ts'
import { readAddress } from './line-address.ts'

/** The address of the issuer of tokens. A deployed page has it built in. In development it is in issuer.json. */
async function issuerAddress(): Promise<string> {
  const built: unknown = import.meta.env['VITE_ISSUER_URL']
  const address = typeof built === 'string' && built !== '' ? built : await readAddress('issuer.json')
  if (address === undefined) throw new Error('The server of this page has no issuer.json with the issuer of tokens.')
  return address
}

/** A new token of the user; null for a visitor who only reads. */
export async function fetchToken(): Promise<string | null> {
  const name = currentName()
  return name === null ? null : requestToken(await issuerAddress(), name)
}

/** Takes a room from somebody, or gives it back. The user must be a moderator. */
export async function setLost(name: string, room: string, lost: boolean): Promise<void> {
  const token = await fetchToken()
  if (token === null) throw new Error('Only a moderator may do that.')
  await changeRights(await issuerAddress(), token, { name, room, lost })
}
