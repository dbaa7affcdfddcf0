import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, sep } from 'node:path'
import { lookup } from 'mrmime'
import type { Provider } from './serverless.ts'

/** A file of a page, as the bucket gets it. */
interface SiteFile {
  readonly Key: string
  readonly Body: Uint8Array
  readonly ContentType: string
  readonly CacheControl: string
}

/**
 * The hashes of Vite and Rollup, of esbuild, and of webpack: another content has another name. A name without such a
 * hash, such as `hero-background.png` or `team-Foto2024.jpg`, may get other content. Hashes without a digit are missed,
 * so that words are none.
 */
const hashes = [
  /^(?=.*\d)(?=.*[a-z])(?=.*[A-Z])[\w-]{8}$/,
  /^(?=.*[2-7])(?=.*[A-Z])[A-Z2-7]{8}$/,
  /^(?=.*\d)(?=.*[a-f])[\da-f]{8,64}$/,
]
/** A word and a number, such as `Foto2024`. */
const numbered = /^(?:[A-Za-z]+[_-]?\d+|\d+[_-]?[A-Za-z]+)$/

function isHashed(path: string): boolean {
  const [, name = ''] = /([^/\\]+)\.\w+$/.exec(path) ?? []
  const byLength = /[.-](.{8})$/.exec(name)?.[1] ?? '' // a hash of Vite may have a hyphen
  const last = name.split(/[.-]/).slice(1).at(-1) ?? ''
  return [byLength, last].some((each) => !numbered.test(each) && hashes.some((hash) => hash.test(each)))
}

/**
 * The files of a folder. A browser asks for all but those with a hash in their name whether they have changed.
 *
 * @throws Error when the folder has no index.html
 */
function filesOf(folder: string): readonly SiteFile[] {
  checkSiteFolder(folder)
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    statSync(join(folder, path)).isFile(),
  )
  return paths.map((path) => ({
    Key: path.split(sep).join('/'),
    Body: readFileSync(join(folder, path)),
    ContentType: contentType(path),
    CacheControl: path.includes(sep) && isHashed(path) ? 'public, max-age=31536000, immutable' : 'no-cache',
  }))
}

/** @throws Error when the folder has no index.html */
export function checkSiteFolder(folder: string): void {
  if (!existsSync(join(folder, 'index.html')))
    throw new Error(
      `Expected custom.trunkline.site.folder to have an index.html; ${folder} has none. Build the page first.`,
    )
}

function contentType(path: string): string {
  const type = lookup(path) ?? 'application/octet-stream'
  return /^text\/|javascript|json|svg/.test(type) ? `${type}; charset=utf-8` : type
}

/** Copies the files of a page into its bucket, index.html last, so that it names no file that is not there yet. */
export async function uploadSite(provider: Provider, bucket: string, folder: string): Promise<number> {
  const files = [...filesOf(folder)].sort((a, b) => Number(a.Key === 'index.html') - Number(b.Key === 'index.html'))
  const put = await putObject(provider)
  for (const file of files) await put({ Bucket: bucket, ...file })
  return files.length
}

async function putObject(
  provider: Provider,
): Promise<(input: SiteFile & { readonly Bucket: string }) => Promise<unknown>> {
  if (provider.getAwsSdkV3Config === undefined)
    return async (input) => provider.request?.('S3', 'putObject', { ...input, Body: Buffer.from(input.Body) })
  const { PutObjectCommand, S3Client } = await import('./s3-sdk.ts')
  const client = new S3Client(await provider.getAwsSdkV3Config())
  return async (input) => client.send(new PutObjectCommand(input))
}
