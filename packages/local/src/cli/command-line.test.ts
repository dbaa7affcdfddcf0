import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { bundleCommandLine } from '../testing/bundled-command-line.suite.ts'
import { runTrunkline } from '../testing/command-line.suite.ts'

let trunkline: Awaited<ReturnType<typeof bundleCommandLine>>
beforeAll(async () => {
  trunkline = await bundleCommandLine()
})
afterAll(() => trunkline.end())

/** Runs the command in a process of its own, with no variables but these. */
async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { code, lines } = await trunkline.start(args, env).ended
  return { code, text: lines.join('\n') }
}

describe('trunkline', () => {
  test('prints its help and its version, and the help of a command with examples', async () => {
    const { code, text } = await run(['--help'])
    expect(code).toBe(0)
    for (const words of ['Use a line:', 'call [options] <path> [input]', 'cost [options]'])
      expect(text).toContain(words)
    const help = await run(['topics', 'read', '--help'])
    expect(help.text).toContain('Examples:')
    expect(help.text).toContain('--stage <name>')
    expect(await run(['help', 'kick'])).toEqual(await run(['kick', '--help']))
    expect((await run(['--version'])).text).toMatch(/^\d+\.\d+\.\d+$|^unknown$/) // a bundle is not in the package
  })

  test.each([
    [['kik'], "Unknown command 'kik'\n(Did you mean kick?)"],
    [['kick', '--princpal', 'ann'], "Unknown option '--princpal'\n(Did you mean --principal?)"],
    [['cost', 'now'], 'Too many arguments'],
    [['cost', '--users'], "Option '--users <n>' argument missing"],
    [['topics', 'reed'], "Unknown command 'reed'\n(Did you mean read?)"],
    [['topics'], 'Expected trunkline topics list or trunkline topics read, got trunkline topics alone.'],
    [['topics', '--json'], 'Expected trunkline topics list or trunkline topics read, got trunkline topics alone.'],
    [['help', 'kik'], "Unknown command 'kik'"],
    [['completion', 'bsh'], 'Expected shell to be bash or zsh or fish, got bsh.'],
    [['erase', '--topic', 'nix', '--local'], 'Expected the name of a topic, such as room.messages?room=s:7, got nix.'],
    [['call', '--local', 'room.list'], '--local took room.list as its address. Write --local last'],
    [['call', 'room.list', '--url', 'example.com'], 'Expected --url to be an address such as wss://example.com/prod'],
    [['kick', '--principal', 'ann', '--ban', '2099-02-30'], 'Expected --ban to be a date such as 2026-12-31T23:59:59Z'],
    [['erase', '--channel', 'chat', '--key', '{"a":{}}'], 'Expected --key to be a JSON object of texts and numbers'],
    [['asyncapi', 'nowhere.ts'], 'The module nowhere.ts does not exist.'],
    [[], 'Usage: trunkline'],
  ])('exits with 2 for the wrong usage %j', async (args, message) => {
    const { code, text } = await run(args)
    expect([code, text]).toEqual([2, expect.stringContaining(message)])
  })

  test('exits as it would with a reader when nobody reads its errors', async () => {
    const command = trunkline.start(['kik'], {})
    command.close('stderr')
    expect((await command.ended).code).toBe(2)
  })

  test.skipIf(process.platform !== 'linux')('says that its output cannot be written, such as to a full disk', () => {
    const command = `"${process.execPath}" "${trunkline.file}" cost > /dev/full`
    const { status, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8' })
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^The output cannot be written: ENOSPC.*\n$/)])
  })

  test('finds the trunkline dev that runs, and says when none does', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'trunkline-running-'))
    const places = Object.fromEntries(['TMPDIR', 'TEMP', 'TMP'].map((name) => [name, folder]))
    for (const [name, value] of Object.entries(places)) vi.stubEnv(name, value)
    const entry = fileURLToPath(new URL('../testing/entry.suite.ts', import.meta.url))
    const stop = new AbortController()
    let ready = () => {}
    const isReady = new Promise<void>((resolve) => {
      ready = resolve
    })
    const dev = runTrunkline(['dev', '--entry', entry, '--port', '0'], {
      interrupted: stop.signal,
      onOut: (text) => text.includes('ready:') && ready(),
    })
    await isReady
    try {
      expect(await run(['call', 'hello'], places)).toEqual({ code: 0, text: '"hello"' })
      const room = '{"room":"7"}'
      const published = await runTrunkline(['publish', 'entry.messages', room, '{"text":"hi"}', '--json'])
      expect(published).toEqual({ code: 0, out: expect.stringContaining('"id"'), err: '' })
      expect((await runTrunkline(['call', 'helo'])).err).toContain('Did you mean hello?')
      expect((await runTrunkline(['call', 'live'])).err).toContain('Use trunkline subscribe live.')
      const audited = trunkline.start(['revoke', '--principal', 'ann', '--local', '--json'], places)
      expect(JSON.parse((await audited.ended).out)).toMatchObject({ connections: 0 }) // the audit event is on stderr
      const read = await run(['topics', 'read', 'entry.messages', room, '--local', '--json'], places)
      expect(JSON.parse(read.text)).toMatchObject({ data: { text: 'hi' } })
      const { out } = await runTrunkline(['tail', '--no-follow', '--text', '--json'])
      const seen = out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
      expect(seen).toContainEqual(
        expect.objectContaining({ from: 'frame in', path: 'hello', text: expect.any(String) }),
      )
      expect(seen).toContainEqual(expect.objectContaining({ from: 'websocket', cause: 'hello', outcome: 'ok' }))
    } finally {
      stop.abort('SIGTERM')
      expect((await dev).code).toBe(0)
      vi.unstubAllEnvs()
    }
    const none = await run(['call', 'hello'], places)
    expect(none).toEqual({
      code: 1,
      text: expect.stringContaining('no trunkline dev runs. Start one with trunkline dev'),
    })
    rmSync(folder, { recursive: true, force: true })
  })
})

/** The path of a shell that this machine has, or undefined. */
function find(shell: string): string | undefined {
  if (process.platform === 'win32') return undefined
  const { stdout, status } = spawnSync('sh', ['-c', `command -v ${shell}`], { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : undefined
}

/** Prints the completions of these words in each shell, one a line. The last word is at the cursor. */
const scripts: Readonly<Record<string, (words: readonly string[]) => string>> = {
  bash: (words) => `source <(trunkline completion bash) && source <(trunkline completion bash)
    COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})
    COMP_CWORD=${words.length - 1}
    compopt() { :; } # it works in a completion only
    __trunkline_complete
    printf '%s\\n' "\${COMPREPLY[@]}"`,
  zsh: (words) => `autoload -Uz compinit && compinit -u -d "$TMPDIR/zcompdump"
    source <(trunkline completion zsh)
    _describe() { print -l -- \${completions%%:*} }
    words=(${words.map((word) => `'${word}'`).join(' ')})
    CURRENT=${words.length}
    _trunkline`,
  fish: (words) => `trunkline completion fish | source
    complete -C '${words.join(' ')}' | string replace -r '\\t.*' ''; true`,
}

describe.each(Object.entries(scripts))('completion in %s', (shell, scriptOf) => {
  const path = find(shell)

  /** What the shell offers for these words. */
  function complete(...words: readonly string[]): readonly string[] {
    const launcher = join(trunkline.folder, 'trunkline')
    writeFileSync(launcher, `#!/bin/sh\nexec "${process.execPath}" "${trunkline.file}" "$@"\n`)
    chmodSync(launcher, 0o755)
    const env = {
      ...process.env,
      PATH: `${trunkline.folder}${delimiter}${process.env['PATH']}`,
      HOME: trunkline.folder,
      TMPDIR: trunkline.folder,
    }
    const args = shell === 'bash' ? ['--norc', '-c'] : shell === 'zsh' ? ['-f', '-c'] : ['-N', '-c']
    const text = execFileSync(path ?? '', [...args, scriptOf(['trunkline', ...words])], { env, encoding: 'utf8' })
    return text.split('\n').filter((line) => line !== '')
  }

  test.skipIf(path === undefined)(`offers commands, subcommands, options and values (needs ${shell})`, () => {
    expect(complete('con')).toEqual(['connections'])
    expect([...complete('topics', '')].sort()).toEqual(['list', 'read'])
    expect([...complete('call', '--t')].sort()).toEqual(['--timeout', '--token', '--type'])
    expect([...complete('call', '--type', '')].sort()).toEqual(['mutation', 'query'])
    expect([...complete('completion', '')].sort()).toEqual(['bash', 'fish', 'zsh'])
  })

  test.skipIf(path === undefined)(`runs nothing of what was typed (needs ${shell})`, () => {
    const marker = join(trunkline.folder, `ran-${shell}`)
    complete('call', `$(touch ${marker})`, '--t')
    expect(spawnSync('ls', [marker]).status).not.toBe(0)
  })
})
