/** Finds the Chromium of the system, for the browser tests. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { run, StepFailure, say } from './steps.mjs'

/** @type {Partial<Record<NodeJS.Platform, () => string[]>>} */
const locations = {
  linux: () => [
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    '/usr/bin/google-chrome-stable',
    '/usr/bin/microsoft-edge',
    '/snap/bin/chromium',
  ],
  darwin: () => [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
  ],
  win32: () =>
    [process.env.PROGRAMFILES, process.env['PROGRAMFILES(X86)'], process.env.LOCALAPPDATA]
      .filter((folder) => folder !== undefined)
      .flatMap((folder) => [
        join(folder, 'Google/Chrome/Application/chrome.exe'),
        join(folder, 'Chromium/Application/chrome.exe'),
        join(folder, 'Microsoft/Edge/Application/msedge.exe'),
      ]),
}

/**
 * Returns the path of a Chromium; undefined if there is none. As root on Debian, it installs one first.
 * @returns {Promise<string | undefined>}
 */
export async function findChromium() {
  const named = process.env.TRUNKLINE_CHROMIUM
  if (named !== undefined && named !== '') {
    if (existsSync(named)) return named
    throw new StepFailure(
      `Expected TRUNKLINE_CHROMIUM to be the path of a Chromium, got ${named}, which does not exist.`,
    )
  }
  const found = installed()
  if (found !== undefined || !canInstall()) return found
  say('installing Chromium for the browser tests (a minute or so)')
  // without a font, screenshots show boxes
  await apt(['update', '-qq'])
  await apt(['install', '-y', '-qq', '--no-install-recommends', 'chromium', 'fonts-dejavu-core'])
  return installed()
}

function installed() {
  return locations[process.platform]?.().find((location) => existsSync(location))
}

function canInstall() {
  return process.platform === 'linux' && existsSync('/etc/debian_version') && process.getuid?.() === 0
}

/** @param {readonly string[]} args */
async function apt(args) {
  const code = await run(args, {
    command: 'apt-get',
    env: { DEBIAN_FRONTEND: 'noninteractive' },
    deadlineMs: 5 * 60_000,
  })
  if (code !== 0) say(`apt-get ${args[0]} failed with code ${code}`)
}
