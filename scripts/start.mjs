/**
 * `npm start`: installs what is missing, builds, and runs the chat on the local line until Ctrl-C. Its arguments are
 * those of `trunkline dev`: `npm start -- --port 5000`.
 */
import { build, checkNode, install, main, run, StepFailure, say } from './steps.mjs'

await main(async () => {
  checkNode()
  await install()
  await build()
  say('starting the chat on the local line (Ctrl-C ends it)')
  const code = await run(['packages/local/dist/cli.js', 'dev', 'examples/chat', ...process.argv.slice(2)])
  if (code !== 0) throw new StepFailure(`the local line ended with code ${code}`, code)
  return 0
})
