import { iam, isNotFound, request } from '../context/aws.ts'
import { type Check, type CheckContext, failed, passed, skipped } from '../context/check.ts'
import { deployedNames, describeFunction, isGuessed } from '../context/deployed-line.ts'
import {
  deployedName,
  type ExpectedRight,
  expectedRights,
  type FunctionName,
  functionNames,
  hasOneFunction,
} from '../context/expected-line.ts'

/** One check for each function: its role, action by action, against the rights of the template. */
export const iamChecks: readonly Check[] = functionNames.map(createCheck)

function createCheck(name: FunctionName): Check {
  const check: Check = {
    id: `iam-${name}`,
    title: `the role of ${name} allows each action that its code uses`,
    calls: '`lambda:GetFunctionConfiguration`, `iam:SimulatePrincipalPolicy` for each resource',
    cost: 'free',
    remedy:
      'Deploy the stack again, or allow the action in the policy of the role. A boundary or an organization may deny it.',
    target: 'aws',
    needs: ['table'],
    timeoutMs: 40_000, // IAM throttles simulations, which are then repeated
    run: (context) => simulate(context, name, check),
  }
  return check
}

async function simulate(context: CheckContext, name: FunctionName, { remedy }: Check) {
  if (hasOneFunction(context.target) && name !== 'websocket')
    return skipped('One function does all that the line does, and iam-websocket examines its role.')
  const deployed = deployedName(context.target, name)
  if (deployed === undefined) return skipped(`The line has no function ${name}, or it is not known.`)
  const { Role } = await describeFunction(context, deployed).catch((thrown: unknown) => {
    if (isGuessed(context.target) && isNotFound(thrown)) return { Role: 'none' }
    throw thrown
  })
  if (Role === 'none') return skipped(`There is no function ${deployed}.`)
  if (Role === undefined) return failed(`The function ${deployed} has no role.`, remedy)
  const rights = expectedRights(context.target, name, await deployedNames(context))
  const denied: string[] = []
  for (const [resource, actions] of byResource(rights))
    denied.push(...(await deniedOf(context, Role, resource, actions)))
  if (denied.length === 0) return passed(`${Role} allows all ${rights.length} actions.`)
  return failed(`${Role} does not allow ${denied.join(', ')}.`, remedy)
}

function byResource(rights: readonly ExpectedRight[]): ReadonlyMap<string, readonly string[]> {
  const actions = new Map<string, string[]>()
  for (const { action, resource } of rights) actions.set(resource, [...(actions.get(resource) ?? []), action])
  return actions
}

async function deniedOf(context: CheckContext, role: string, resource: string, actions: readonly string[]) {
  const { sdk, client } = await iam(context)
  const command = new sdk.SimulatePrincipalPolicyCommand({
    PolicySourceArn: role,
    ActionNames: [...actions],
    ResourceArns: [resource],
  })
  const { EvaluationResults = [] } = await request('iam:SimulatePrincipalPolicy', () =>
    client.send(command, { abortSignal: context.signal }),
  )
  return actions.flatMap((action) => {
    const decision = EvaluationResults.find(({ EvalActionName }) => EvalActionName === action)?.EvalDecision
    return decision === 'allowed' ? [] : [`${action} on ${resource} (${decision ?? 'no answer'})`]
  })
}
