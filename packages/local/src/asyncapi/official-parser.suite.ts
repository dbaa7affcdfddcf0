import { spawn } from 'node:child_process'
import { text as readText } from 'node:stream/consumers'

/** The result of AsyncAPI's own parser. */
export interface OfficialView {
  /** All its diagnostics, hints included, except the one about the latest version: more tools read version 3.0. */
  readonly complaints: readonly string[]
  readonly version: string
  readonly servers: readonly string[]
  readonly operations: Readonly<
    Record<
      string,
      {
        readonly action: string
        readonly messages: readonly string[]
        readonly reply: readonly string[]
        readonly security: number
      }
    >
  >
  readonly channels: Readonly<Record<string, { readonly address: string; readonly parameters: readonly string[] }>>
}

const program = `
import { Parser } from '@asyncapi/parser'
import { text } from 'node:stream/consumers'
const { document, diagnostics } = await new Parser().parse(await text(process.stdin))
const names = (messages) => messages?.all().map((message) => message.name()) ?? []
const byId = (all, show) => Object.fromEntries(all.map((each) => [each.id(), show(each)]))
console.log(JSON.stringify({
  complaints: diagnostics.filter(({ code }) => code !== 'asyncapi-latest-version').map(({ code, message, path }) => code + ' ' + path.join('.') + ': ' + message),
  version: document?.version(),
  servers: document?.servers().all().map((server) => server.url()) ?? [],
  operations: byId(document?.operations().all() ?? [], (operation) => ({ action: operation.action(), messages: names(operation.messages()), reply: names(operation.reply()?.messages()), security: operation.security().length })),
  channels: byId(document?.channels().all() ?? [], (channel) => ({ address: channel.address(), parameters: channel.parameters().all().map((parameter) => parameter.id()) })),
}))
`

/**
 * Runs the official parser in a separate process: this runner's export conditions would give ES modules to its CommonJS
 * dependencies.
 */
export async function askOfficialParser(document: string): Promise<OfficialView> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: import.meta.dirname,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  child.stdin.end(document)
  const [out, errors] = await Promise.all([readText(child.stdout), readText(child.stderr)])
  if (out === '') throw new Error(`The official parser failed: ${errors}`)
  return JSON.parse(out)
}
