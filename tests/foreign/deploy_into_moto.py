"""Creates, updates and deletes a stack of two templates in moto, and prints what was made as JSON."""
import io, json, os, sys, zipfile

os.environ.update(AWS_ACCESS_KEY_ID='moto', AWS_SECRET_ACCESS_KEY='moto', AWS_DEFAULT_REGION='eu-west-1')
import boto3
from moto import mock_aws

code = io.BytesIO()
with zipfile.ZipFile(code, 'w') as files:
    files.writestr('lambda.mjs', 'export const handler = async () => {}')


def run(first, second):
    s3, stacks, functions, tables = (boto3.client(name) for name in ('s3', 'cloudformation', 'lambda', 'dynamodb'))
    s3.create_bucket(Bucket='code', CreateBucketConfiguration={'LocationConstraint': 'eu-west-1'})

    def deploy(action, path, key):
        s3.put_object(Bucket='code', Key=key, Body=code.getvalue())
        s3.put_object(Bucket='code', Key='template.json', Body=open(path).read())
        action(
            StackName='shop-prod',
            TemplateURL='https://code.s3.eu-west-1.amazonaws.com/template.json',
            Capabilities=['CAPABILITY_IAM'],
            Parameters=[
                {'ParameterKey': 'CodeBucket', 'ParameterValue': 'code'},
                {'ParameterKey': 'CodeKey', 'ParameterValue': key},
            ],
        )
        [stack] = stacks.describe_stacks(StackName='shop-prod')['Stacks']
        return {
            'status': stack['StackStatus'],
            'outputs': {each['OutputKey']: each['OutputValue'] for each in stack['Outputs']},
            'functions': {
                each['FunctionName']: [each['Handler'], each['MemorySize'], each['Environment']['Variables']]
                for each in functions.list_functions()['Functions']
            },
            'sources': [
                [each['EventSourceArn'], each['FunctionArn'].split(':')[-1]]
                for each in functions.list_event_source_mappings()['EventSourceMappings']
            ],
            'tables': tables.list_tables()['TableNames'],
        }

    created = deploy(stacks.create_stack, first, '1.zip')
    updated = deploy(stacks.update_stack, second, '2.zip')
    stacks.delete_stack(StackName='shop-prod')
    deleted = {
        'functions': [each['FunctionName'] for each in functions.list_functions()['Functions']],
        'tables': tables.list_tables()['TableNames'],
        'queues': boto3.client('sqs').list_queues().get('QueueUrls', []),
    }
    return {'created': created, 'updated': updated, 'deleted': deleted}


if len(sys.argv) > 1:
    with mock_aws():
        print(json.dumps(run(*sys.argv[1:])))
