import { defined } from '@trunkline/protocol'
import { createLine } from '@trunkline/server'
import {
  type EraseProgress,
  type EraseReport,
  type EraseState,
  type EraseSubject,
  erase,
} from '@trunkline/server/erase'
import type { Stage } from '../stage/stage.ts'
import { formatProgress, formatReport } from './format.ts'
import { deleteState, readState, writeState } from './state-file.ts'

/** The command line's settings. */
export interface EraseSettings {
  /** Absent with `resumeFrom`, whose file has it. */
  readonly subject?: EraseSubject
  /** The file of an erasure that was stopped. */
  readonly resumeFrom?: string
  /** The file to continue from after a stop. @default resumeFrom, or a name with the time in the working directory */
  readonly file?: string
  /** The highest number of rows that are written in a second. @default unlimited */
  readonly perSecond?: number
}

interface EraseIo {
  /** Prints a line. */
  readonly log: (line: string) => void
  /** Stops the erasure. */
  readonly signal: AbortSignal
  /** @default every second */
  readonly everyMs?: number
}

/**
 * Runs an erasure on a line, prints a line a second and the report, and keeps a file to
 * continue from until it is done. Rejects with an `Error` that says where to continue.
 */
export async function runErase(
  stage: Pick<Stage, 'table' | 'backend'>,
  settings: EraseSettings,
  { log, signal, everyMs = 1_000 }: EraseIo,
): Promise<EraseReport> {
  const { table } = stage
  const { resumeFrom, perSecond } = settings
  const from = resumeFrom === undefined ? undefined : readState(resumeFrom, table)
  const subject = from?.of ?? settings.subject
  if (subject === undefined)
    throw new Error('Expected --principal, --topic, --channel with --key, or --resume-from, got none of them.')
  const file = settings.file ?? resumeFrom ?? `trunkline-erase-${new Date().toISOString().replace(/[^\dT]/g, '')}.json`
  const backend = await stage.backend()
  let latest: { readonly progress: EraseProgress; readonly state: EraseState } | undefined
  const save = () => latest && writeState(file, { table, state: latest.state })
  const timer = setInterval(() => {
    if (latest === undefined) return
    log(formatProgress(latest.progress))
    save()
  }, everyMs)
  const onProgress = (progress: EraseProgress, state: EraseState) => {
    latest = { progress, state }
  }
  try {
    const report = await erase(createLine({ backend }), subject, {
      signal,
      onProgress,
      ...defined({ from, perSecond }),
    })
    for (const line of formatReport(report)) log(line)
    if (report.state === undefined) deleteState(file)
    else {
      writeState(file, { table, state: report.state })
      log(`continue with: trunkline erase --resume-from ${file}`)
    }
    return report
  } catch (cause) {
    if (!(cause instanceof Error) || latest === undefined) throw cause
    save()
    const why = cause.cause instanceof Error ? ` ${cause.cause.message}` : ''
    throw new Error(`${cause.message}${why} Continue with: trunkline erase --resume-from ${file}`, { cause })
  } finally {
    clearInterval(timer)
  }
}
