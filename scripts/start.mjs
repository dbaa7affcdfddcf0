/**
 * `npm start`: installs what is missing, builds, and runs the chat on the local line until Ctrl-C, with an issuer of
 * tokens that believes every name. Its arguments are those of `trunkline dev`: `npm start -- --port 5000`.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, checkNode, install, main, root, run, StepFailure, say } from './steps.mjs'

await main(async () => {
  checkNode()
  await install()
  await build()
  say('starting the chat on the local line (Ctrl-C ends it)')
  const chat = join(root, 'examples/chat/dist')
  const { startDevelopmentIssuer } = await import(pathToFileURL(join(chat, 'issuer.js')).href)
  const issuer = await startDevelopmentIssuer(join(chat, 'web'))
  const env = { CHAT_ISSUER: issuer.url }
  const dev = ['packages/local/dist/cli.js', 'dev', 'examples/chat', ...process.argv.slice(2)]
  const code = await run(dev, { env }).finally(() => issuer[Symbol.asyncDispose]())
  if (code !== 0) throw new StepFailure(`the local line ended with code ${code}`, code)
  return 0
})
