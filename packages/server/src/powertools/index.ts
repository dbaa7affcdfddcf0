/**
 * Telemetry by Powertools for AWS Lambda. Install `@aws-lambda-powertools/logger` and `@aws-lambda-powertools/metrics`
 * too.
 */
export { type PowertoolsOptions, powertoolsTelemetry } from './telemetry.ts'
