import { ref, when } from '../template/intrinsics.ts'
import { type Duty, type FunctionName, functionFor, functionsOf } from '../template/names.ts'
import type { Settings } from '../template/options.ts'
import type { Resource, Resources } from '../template/template.ts'
import { timeoutOf } from './functions.ts'
import { type Metric, ofAllFunctions, ofFunction, ofGateway, ofLine, ofQueue, ofTable } from './metrics.ts'

const periodSeconds = 300 // 5 minutes

/** An alarm: the metrics whose sum it watches, and the value from which it is raised. */
interface Alarm {
  readonly description: string
  readonly metrics: readonly Metric[]
  readonly threshold: number
  /** @default 'Sum' */
  readonly statistic?: 'Maximum' | 'p99'
  /** Periods in a row. @default 1 */
  readonly periods?: number
}

const operations = ['GetItem', 'BatchGetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem']

/** An alarm on each number that the operations guide explains. */
export function alarms(settings: Settings): Resources {
  return Object.fromEntries(Object.entries(declared(settings)).map(([id, alarm]) => [id, toResource(alarm)]))
}

function declared(settings: Settings): Readonly<Record<string, Alarm>> {
  const sending: readonly Duty[] = ['tableStream', 'deliver', 'worker']
  const destinations = functionsOf(settings).flatMap(
    ({ duties }) => duties.find((duty) => sending.includes(duty)) ?? [],
  )
  return {
    ...Object.fromEntries(functionsOf(settings).map((each) => [`${each.id}ErrorsAlarm`, errors(settings, each)])),
    ThrottlesAlarm: {
      description: 'A function was not run, because the concurrency of the account was used up.',
      metrics: ofAllFunctions(settings, 'Throttles'),
      threshold: 1,
    },
    DestinationFailuresAlarm: {
      description: 'What failed could not be put into the queue.',
      metrics: destinations.map((duty) => ofFunction(settings, duty, 'DestinationDeliveryFailures')),
      threshold: 1,
    },
    StreamAgeAlarm: {
      description: 'The stream of the table is read more than a minute late.',
      metrics: [ofFunction(settings, 'tableStream', 'IteratorAge')],
      statistic: 'Maximum',
      threshold: 60_000,
    },
    DeliverDurationAlarm: {
      description: 'deliver ran for 80 % of its timeout.',
      metrics: [ofFunction(settings, 'deliver', 'Duration')],
      statistic: 'Maximum',
      threshold: 800 * timeoutOf(settings, functionFor(settings, 'deliver')), // ms
    },
    DeadLettersAlarm: {
      description: 'The queue has messages about what failed for good.',
      metrics: [ofQueue('DeadLetters', 'ApproximateNumberOfMessagesVisible')],
      statistic: 'Maximum',
      threshold: 1,
    },
    LaterAgeAlarm: {
      description: 'Delayed checks of connections wait in their queue.',
      metrics: [ofQueue('Later', 'ApproximateAgeOfOldestMessage')],
      statistic: 'Maximum',
      threshold: 300,
    },
    IntegrationErrorsAlarm: {
      description: 'The gateway got no answer of a function.',
      metrics: [ofGateway(settings, 'IntegrationError')],
      threshold: 5,
    },
    ClientErrorsAlarm: {
      description: 'The gateway refused messages or handshakes.',
      metrics: [ofGateway(settings, 'ClientError')],
      threshold: 100,
    },
    ExecutionErrorsAlarm: {
      description: 'The gateway itself failed a frame or a handshake.',
      metrics: [ofGateway(settings, 'ExecutionError')],
      threshold: 5,
    },
    TableThrottlesAlarm: {
      description: 'The table refused requests.',
      metrics: [ofTable('ReadThrottleEvents'), ofTable('WriteThrottleEvents')],
      threshold: 10,
    },
    TableErrorsAlarm: {
      description: 'The table failed requests by itself.',
      metrics: operations.map((operation) => ofTable('SystemErrors', operation)),
      threshold: 10,
    },
    FailedCallsAlarm: {
      description: 'Calls ended in INTERNAL_SERVER_ERROR or TIMEOUT.',
      metrics: [ofLine(settings, 'failedCalls')],
      threshold: 5,
    },
    FailedDeliveriesAlarm: {
      description: 'Events could not be delivered at the first attempt, for ten minutes.',
      metrics: [ofLine(settings, 'failedDeliveries')],
      periods: 2,
      threshold: 1,
    },
    ThrottledPostsAlarm: {
      description: 'The gateway refuses posts by the rate of the account.',
      metrics: [ofLine(settings, 'throttled')],
      threshold: 100,
    },
    TimeToDeliverAlarm: {
      description: 'One delivery in a hundred takes more than 5 s, for ten minutes.',
      metrics: [ofLine(settings, 'timeToDeliver')],
      statistic: 'p99',
      periods: 2,
      threshold: 5_000,
    },
  }
}

function errors(settings: Settings, { name, duties: [duty = 'websocket'] }: FunctionName): Alarm {
  return { description: `${name} ended in an error.`, metrics: [ofFunction(settings, duty, 'Errors')], threshold: 1 }
}

function toResource({ description, metrics, threshold, statistic, periods = 1 }: Alarm): Resource {
  const notify = when('HasAlarmTopic', [ref('AlarmTopic')])
  return {
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      AlarmDescription: description,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      EvaluationPeriods: periods,
      TreatMissingData: 'notBreaching',
      AlarmActions: notify,
      OKActions: notify,
      Threshold: threshold,
      ...watched(metrics, statistic),
    },
  }
}

function watched(metrics: readonly Metric[], statistic: Alarm['statistic']) {
  const [only, ...others] = metrics
  if (only !== undefined && others.length === 0)
    return {
      ...toMetric(only),
      Period: periodSeconds,
      ...(statistic === 'p99' ? { ExtendedStatistic: statistic } : { Statistic: statistic ?? 'Sum' }),
    }
  return {
    Metrics: [
      { Id: 'all', Expression: 'SUM(METRICS())' },
      ...metrics.map((metric, index) => ({
        Id: `m${index}`,
        ReturnData: false,
        MetricStat: { Stat: 'Sum', Period: periodSeconds, Metric: toMetric(metric) },
      })),
    ],
  }
}

function toMetric({ namespace, name, dimensions }: Metric) {
  return {
    Namespace: namespace,
    MetricName: name,
    Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
  }
}
