import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { describeApplication } from './document.ts'
import { loadApplication } from './load-application.ts'

export interface DocumentSettings {
  /** Where the line is, such as `wss://example.com/dev`. */
  readonly url?: string
  /** @default the name of the nearest package.json */
  readonly title?: string
  /** @default the version of the nearest package.json */
  readonly version?: string
  /** A file to write. @default none: the text is only returned */
  readonly out?: string
}

/** Describes what an entry serves as an AsyncAPI 3 document, the same text for the same application. Throws an `Error` that says what was expected. */
export async function writeDocument(entry: string, settings: DocumentSettings): Promise<string> {
  if (!existsSync(entry)) throw new Error(`There is no ${entry}, which is the module to describe.`)
  if (settings.url !== undefined) checkUrl(settings.url)
  const { name, version } = await nearestPackage(dirname(resolve(entry)))
  const document = await describeApplication(await loadApplication(entry), {
    title: settings.title ?? name ?? 'An application on a line',
    version: settings.version ?? version ?? '0.0.0',
    ...(settings.url === undefined ? {} : { url: settings.url }),
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
