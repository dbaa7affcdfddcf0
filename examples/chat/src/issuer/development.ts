import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Issuer, startIssuer } from './issuer.ts'

/**
 * Starts the issuer of development for a built page: its address is in `issuer.json` of the page, where the page and the
 * command line find it.
 */
export async function startDevelopmentIssuer(web: string): Promise<Issuer> {
  const issuer = await startIssuer()
  await mkdir(web, { recursive: true })
  await writeFile(join(web, 'issuer.json'), `${JSON.stringify({ url: issuer.url })}\n`)
  return issuer
}
