/** Logs and metrics by Powertools for AWS Lambda, which are installed beside this package: `@aws-lambda-powertools/logger` and `/metrics`. */
export { type PowertoolsOptions, powertoolsTelemetry } from './telemetry.ts'
