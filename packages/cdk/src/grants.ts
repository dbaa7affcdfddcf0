import {
  type AddToPrincipalPolicyResult,
  PrincipalPolicyFragment as Fragment,
  type IGrantable,
  type IPrincipal,
  type PolicyStatement,
  type PrincipalPolicyFragment,
} from 'aws-cdk-lib/aws-iam'
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import { DependencyGroup } from 'constructs'

/** Several roles as one: what is granted to it is granted to each. */
export class RolesPrincipal implements IPrincipal {
  readonly grantPrincipal: IPrincipal = this
  readonly assumeRoleAction = 'sts:AssumeRole'
  readonly #roles: readonly IPrincipal[]

  constructor(roles: readonly IPrincipal[]) {
    this.#roles = roles
  }

  /** Without it, the CDK takes the roles for those of another account, and adds policies to resources too. */
  get principalAccount(): string | undefined {
    return this.#roles[0]?.principalAccount
  }

  get policyFragment(): PrincipalPolicyFragment {
    const all = this.#roles.map(({ policyFragment }) => policyFragment.principalJson['AWS'] ?? [])
    return new Fragment({ AWS: all.flat() })
  }

  addToPrincipalPolicy(statement: PolicyStatement): AddToPrincipalPolicyResult {
    const results = this.#roles.map((role) => role.addToPrincipalPolicy(statement.copy()))
    const policyDependable = new DependencyGroup(...results.flatMap((result) => result.policyDependable ?? []))
    return { statementAdded: results.every(({ statementAdded }) => statementAdded), policyDependable }
  }
}

/** What a publish asks of the table. */
export const tableActions = ['GetItem', 'BatchGetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem'].map(
  (name) => `dynamodb:${name}`,
)

/** What the use of a table asks of the key that encrypts it. */
export const keyActions = ['kms:Decrypt', 'kms:GenerateDataKey']

/** Sets variables of a grantee that is a function of the stack; those of others are set by their owners. */
export function setVariables(grantee: IGrantable, variables: Readonly<Record<string, string>>): void {
  if (!(grantee instanceof LambdaFunction)) return
  for (const [name, value] of Object.entries(variables)) grantee.addEnvironment(name, value)
}
