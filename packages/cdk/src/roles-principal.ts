import {
  type AddToPrincipalPolicyResult,
  PrincipalPolicyFragment as Fragment,
  type IPrincipal,
  type PolicyStatement,
  type PrincipalPolicyFragment,
} from 'aws-cdk-lib/aws-iam'
import { DependencyGroup } from 'constructs'

/** Several roles as one: what is granted to it is granted to each. */
export class RolesPrincipal implements IPrincipal {
  readonly grantPrincipal: IPrincipal = this
  readonly assumeRoleAction = 'sts:AssumeRole'
  readonly #roles: readonly IPrincipal[]

  constructor(roles: readonly IPrincipal[]) {
    this.#roles = roles
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
