/**
 * `npm run docs`: builds the documentation site, with the reference of the packages, and serves it on this machine.
 * `npm run docs:build` only builds it, into `docs/.vitepress/dist`, and fails at a link or anchor that leads nowhere.
 * `npm run docs:dev` serves the pages while they are written. None of them needs a network.
 */
import { checkNode, install, main, root, run, StepFailure, say } from './steps.mjs'

const vitepress = 'node_modules/vitepress/bin/vitepress.js'
const [command = 'serve'] = process.argv.slice(2)

await main(async () => {
  checkNode()
  await install()
  say('writing the reference of the packages')
  await step(['docs/.vitepress/reference.mjs'])
  if (command === 'dev') return run([vitepress, 'dev', 'docs'])
  say('building the site')
  await step([vitepress, 'build', 'docs'])
  await step(['docs/.vitepress/check-links.mjs'])
  say(`the site is in ${root}/docs/.vitepress/dist`)
  return command === 'build' ? 0 : run([vitepress, 'preview', 'docs'])
})

/** @param {readonly string[]} args */
async function step(args) {
  const code = await run(args, { output: 'if-failed', deadlineMs: 5 * 60_000 })
  if (code !== 0)
    throw new StepFailure(`\`node ${args.join(' ')}\` failed with code ${code}: its lines above say why`, code)
}
