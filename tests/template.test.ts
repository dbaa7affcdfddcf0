/** The suites about the template of `serverless.yml`. One file runs them, so that it is packaged once. */
import './deployment.suite.ts'
import './iam/iam.suite.ts'
import './line-template.suite.ts'
import './deploying.suite.ts'
import './operations.suite.ts'
import './smallest-deployment.suite.ts'
