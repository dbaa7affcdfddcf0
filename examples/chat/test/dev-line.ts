import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startDevelopmentIssuer } from '../src/issuer/development.ts'

/** `trunkline dev` as `npm start` starts it, in a process of its own, on the chat that was built, with its issuer. */
export interface RunningDev extends AsyncDisposable {
  readonly page: string
  readonly inspector: string
}

const command = fileURLToPath(new URL('./dist/cli.js', import.meta.resolve('@trunkline/local/package.json')))

export async function startDev(): Promise<RunningDev> {
  const example = fileURLToPath(new URL('..', import.meta.url))
  const issuer = await startDevelopmentIssuer(join(example, 'dist/web'))
  const child = spawn(process.execPath, [command, 'dev', example, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, CHAT_ISSUER: issuer.url },
  })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const said = await new Promise<string>((resolve, reject) => {
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (more: string) => {
      text += more
      if (/inspector: +\S+\n/.test(text)) resolve(text)
    })
    void ended.then((code) => reject(new Error(`trunkline dev ended with ${code}: ${text}`)))
  })
  const addressOf = (name: string) => new RegExp(`${name}: +(\\S+)`).exec(said)?.[1] ?? ''
  return {
    page: addressOf('ready'),
    inspector: addressOf('inspector'),
    async [Symbol.asyncDispose]() {
      child.kill()
      await ended
      await issuer[Symbol.asyncDispose]()
    },
  }
}
