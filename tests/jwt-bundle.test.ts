import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build, type Format } from 'esbuild'
import { afterAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { repository } from './repository.ts'

const folder = mkdtempSync(join(tmpdir(), 'trunkline-jwt-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const manifest = z
  .object({ exports: z.record(z.string(), z.unknown()) })
  .parse(JSON.parse(readFileSync(join(repository, 'packages/server/package.json'), 'utf8')))
const withJose = ['./jwt', './tickets']
const others = Object.keys(manifest.exports).filter((entry) => !['./package.json', ...withJose].includes(entry))

/** Bundles the code for Lambda. Returns the file, its size in KB gzip, and the sources whose code is in it. */
async function bundle(code: string, format: Format = 'esm') {
  const outfile = join(folder, `bundle-${Math.random()}.${format === 'esm' ? 'mjs' : 'cjs'}`)
  const { metafile, warnings } = await build({
    stdin: { contents: code, resolveDir: join(repository, 'tests'), loader: 'ts' },
    ...{ outfile, format, bundle: true, minify: true, metafile: true, logLevel: 'silent' },
    ...{ platform: 'node', target: 'node20', conditions: ['trunkline-source'] },
    ...(format === 'esm' && {
      banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
    }),
  })
  expect(warnings).toEqual([])
  const [output] = Object.values(metafile.outputs)
  const sources = Object.entries(output?.inputs ?? {}).flatMap(([path, { bytesInOutput }]) =>
    bytesInOutput > 0 ? [path] : [],
  )
  return { outfile, sources, kilobytes: gzipSync(readFileSync(outfile)).length / 1_024 }
}

const jose = /node_modules\/jose\//
const awsSdk = /node_modules\/@(aws-sdk|smithy)\//

describe('a bundle for Lambda', () => {
  it.each(others)('of %s has nothing of jose', async (entry) => {
    const { sources } = await bundle(`export * from '@trunkline/server${entry.slice(1)}'`)
    expect(sources.filter((path) => jose.test(path))).toEqual([])
  })

  it('of jwtAuthorizer has the part of jose that verifies, and nothing of the AWS SDK', async () => {
    const { sources, kilobytes } = await bundle(`export { jwtAuthorizer } from '@trunkline/server/jwt'`)
    expect(sources.some((path) => jose.test(path))).toBe(true)
    expect(sources.filter((path) => awsSdk.test(path) || /jose\/.*(encrypt|sign)/.test(path))).toEqual([])
    console.info(`jwtAuthorizer with jose: ${kilobytes.toFixed(1)} KB gzip`)
    expect(kilobytes).toBeLessThan(16)
  })

  it.each<Format>(['esm', 'cjs'])('of both entry points checks a token and a ticket (%s)', async (format) => {
    const { outfile } = await bundle(
      `
        import { exportJWK, generateKeyPair, SignJWT } from 'jose'
        import { jwtAuthorizer } from '@trunkline/server/jwt'
        import { createTicketIssuer, memoryTicketStore, ticketAuthorizer } from '@trunkline/server/tickets'

        async function main() {
          const { privateKey, publicKey } = await generateKeyPair('ES256')
          const base = { issuer: 'https://id.example', audience: 'line', log: () => {} }
          const byToken = jwtAuthorizer({ ...base, keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256' }] })
          const token = await new SignJWT({ iss: base.issuer, aud: 'line', sub: 'ann' })
            .setProtectedHeader({ alg: 'ES256' }).setExpirationTime('1m').sign(privateKey)
          const key = 'a secret of the tests, which is longer than 32 bytes'
          const byTicket = ticketAuthorizer({ key, store: memoryTicketStore(), log: () => {} })
          const ticket = await createTicketIssuer({ key }).issue({ principal: 'bob', claims: {}, expiresAt: new Date(Date.now() + 60_000) })
          const results = [await byToken({ token }), await byToken({ token: 'wrong' }), await byTicket({ token: ticket }), await byTicket({ token: ticket })]
          console.log(JSON.stringify(results.map(({ principal, reason }) => principal ?? reason)))
        }
        void main()
      `,
      format,
    )
    const printed = execFileSync(process.execPath, [outfile], { encoding: 'utf8', env: { PATH: process.env['PATH'] } })
    expect(JSON.parse(printed)).toEqual(['ann', 'This is not a JSON Web Token.', 'bob', 'This ticket was used before.'])
  })
})
