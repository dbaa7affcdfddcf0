import { environmentStage } from './environment-stage.ts'
import { findRunningLine } from './running-lines.ts'
import { findStack } from './stack-stage.ts'
import type { Environment, Stage, StageOptions } from './stage.ts'
import { UsageError } from './usage-error.ts'

/**
 * Finds the line that a user names: by `local` a running `trunkline dev`; by `stage` or `stack` the outputs and
 * resources of a CloudFormation stack; otherwise by the environment's TRUNKLINE_TABLE and its like, and without that a
 * running `trunkline dev`.
 *
 * @throws UsageError for options that contradict each other
 * @throws Error with the remedy when there is no such line
 */
export async function findStage(options: StageOptions = {}, env: Environment = process.env): Promise<Stage> {
  const { stage, service, stack, local, region, profile } = options
  if (local !== undefined) {
    const other = Object.entries({ stage, service, stack, profile }).find(([, value]) => value !== undefined)
    if (other !== undefined)
      throw new UsageError(`Expected either --local or a deployed line, got --local and --${other[0]}. Leave one out.`)
    return findRunningLine(local)
  }
  if (stack !== undefined && (stage !== undefined || service !== undefined))
    throw new UsageError(
      `Expected either --stack or --stage with --service, got --stack ${stack} and --${stage === undefined ? 'service' : 'stage'}. Leave one out.`,
    )
  if (stage === undefined && service !== undefined)
    throw new UsageError(`Expected --stage with --service ${service}, got none. Add --stage, such as --stage prod.`)
  if (stack !== undefined || stage !== undefined) return findStack(options, env)
  if (env['TRUNKLINE_TABLE'] || env['TRUNKLINE_DELIVER'] || env['TRUNKLINE_CALLBACK_URL'])
    return environmentStage({ region, profile }, env)
  if (region !== undefined || profile !== undefined)
    throw new UsageError(
      `Expected --stage or --stack with --${region === undefined ? 'profile' : 'region'}, got none. Name the line, such as --stage prod.`,
    )
  return findRunningLine('')
}
