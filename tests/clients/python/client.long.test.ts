import { suite } from 'uvu'
import { addPythonTests } from '../../kit/clients/python-tests.ts'

const test = suite('coatcheck.py')

await addPythonTests(test, 'test_differences')
await addPythonTests(test, 'test_transport')
await addPythonTests(test, 'test_client', { server: true })

test.run()
