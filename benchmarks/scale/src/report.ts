import { awsTimes, lineDefaults } from './engine/service-times.ts'
import { defaultQuotas, type Wall, type WallName, walls } from './engine/walls.ts'
import { churn } from './scenarios/churn.ts'
import { hotTopic } from './scenarios/hot-topic.ts'
import { manyTopics } from './scenarios/many-topics.ts'
import { oneEvent } from './scenarios/one-event.ts'
import { reconnect } from './scenarios/reconnect.ts'
import type { Result, Scenario } from './scenarios/result.ts'
import { stadium } from './scenarios/stadium.ts'

/** All scenarios. */
export const scenarios: readonly Scenario[] = [oneEvent, manyTopics, reconnect, churn, hotTopic, stadium]

const wallOf = (name: WallName): Wall => walls[name]

function timeOf(value: number): string {
  if (value === 0) return '–'
  if (value < 100) return `${value.toFixed(1)} s`
  return value < 6_000 ? `${Math.round(value)} s` : `${(value / 60).toFixed(0)} min`
}

function usdText({ usd, usdFor }: Result): string {
  const text = usd >= 100 ? Math.round(usd).toLocaleString('en-US') : usd.toFixed(2)
  return usdFor === undefined ? `$${text}` : `$${text} ${usdFor}`
}

function wallText([first, ...others]: readonly WallName[]): string {
  if (first === undefined) return 'none'
  const then = others.length === 0 ? '' : `, then ${others.map((name) => wallOf(name).label).join(', ')}`
  return `${wallOf(first).label}${then}`
}

/** The results of one scenario as Markdown. */
function formatScenario({ title }: Scenario, results: readonly Result[]): string {
  const names = Object.keys(results[0]?.figures ?? {})
  const cells = (result: Result) => [
    ...[result.setting, timeOf(result.seconds), wallText(result.walls), usdText(result)],
    ...names.map((name) => result.figures[name] ?? ''),
  ]
  const quotas = [...new Set(results.flatMap(({ walls: met }) => met))].map((name) => {
    const { label, quota, perSecond } = wallOf(name)
    const limit = perSecond.toLocaleString('en-US')
    return quota === undefined
      ? `- The wall of ${label} is ${limit}. It cannot be raised.`
      : `- The wall of ${label} is ${limit} by default. The quota to raise: ${quota}.`
  })
  return [
    `### ${title}`,
    `| | time | walls | cost | ${names.join(' | ')} |`,
    `|---|--:|---|--:|${names.map(() => '--:|').join('')}`,
    ...results.map((result) => `| ${cells(result).join(' | ')} |`),
    ...(quotas.length === 0 ? [] : ['', ...quotas]),
  ].join('\n')
}

interface RunOptions {
  /** The scenarios to run. @default all */
  readonly chosen?: readonly string[]
  /** A share of the full size. @default 1 */
  readonly share?: number
  readonly onRun?: (name: string) => void
}

/** Runs scenarios. Returns them as Markdown. */
export function runScenarios({ chosen, share = 1, onRun = () => {} }: RunOptions = {}): string {
  const parts = scenarios
    .filter(({ name }) => chosen?.includes(name) ?? true)
    .map((scenario) => {
      onRun(scenario.name)
      return formatScenario(scenario, scenario.run({ share, quotas: defaultQuotas }))
    })
  return [...parts, formatWalls()].join('\n\n')
}

function formatWalls(): string {
  const { tableMs, postMs, invokeMs, streamMs } = awsTimes
  const { maxConcurrentPosts, maxDirectAudience, shardRows } = lineDefaults
  return [
    '### What the model assumes',
    `A request to the table takes ${tableMs} ms, a post ${postMs} ms, the start of a function ${invokeMs} ms, and the table's stream ${streamMs} ms`,
    `on average. A delivery has ${maxConcurrentPosts} posts at a time, and an audience of more than ${maxDirectAudience} is left to \`deliver\`. More than`,
    `${shardRows.toLocaleString('en-US')} rows double the shards. Cold starts, failures and the network of clients are not in the model.`,
    '',
    '| wall | in one account and region | quota to raise | source |',
    '|---|--:|---|---|',
    ...Object.values(walls).map(({ label, perSecond, source, ...rest }: Wall) => {
      const quota = 'quota' in rest ? rest.quota : 'none'
      return `| ${label} | ${perSecond.toLocaleString('en-US')} | ${quota} | ${source} |`
    }),
  ].join('\n')
}
