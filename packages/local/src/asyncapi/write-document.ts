import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { defined } from '@trunkline/protocol'
import { UsageError } from '../stage/usage-error.ts'
import { describeApplication } from './document.ts'
import { loadApplication } from './load-application.ts'

/** What a document says that the application does not, and where it is written. */
export interface DocumentSettings {
  /** The line's address, such as `wss://example.com/dev`. @default none */
  readonly url?: string
  /** The title. @default the name of the nearest package.json */
  readonly title?: string
  /** The version. @default the version of the nearest package.json */
  readonly version?: string
  /** A file to write. @default none: the text is only returned */
  readonly out?: string
}

/**
 * Describes an entry's API as an AsyncAPI 3 document. The same application always gives the same text. Throws an
 * `Error` that says what was expected.
 */
export async function writeDocument(entry: string, settings: DocumentSettings): Promise<string> {
  if (!existsSync(entry))
    throw new UsageError(`The module ${entry} does not exist. Name the module that exports your handlers.`)
  if (settings.url !== undefined) checkUrl(settings.url)
  const { name, version } = await nearestPackage(dirname(resolve(entry)))
  const document = await describeApplication(await loadApplication(entry), {
    title: settings.title ?? name ?? 'A Trunkline application',
    version: settings.version ?? version ?? '0.0.0',
    ...defined({ url: settings.url }),
  })
  const text = `${JSON.stringify(document, null, 2)}\n`
  if (settings.out !== undefined) await writeTo(settings.out, text)
  return text
}

function checkUrl(url: string): void {
  if (URL.canParse(url) && /^(wss?|https?):$/.test(new URL(url).protocol)) return
  throw new Error(`Expected --url to be an address such as wss://example.com/dev, got ${url}.`)
}

async function writeTo(out: string, text: string): Promise<void> {
  await mkdir(dirname(out), { recursive: true })
  await writeFile(out, text)
}

async function nearestPackage(folder: string): Promise<{ readonly name?: string; readonly version?: string }> {
  const file = join(folder, 'package.json')
  if (existsSync(file)) return JSON.parse(await readFile(file, 'utf8'))
  return dirname(folder) === folder ? {} : nearestPackage(dirname(folder))
}
