import { suite } from 'uvu'
import { addPythonTests } from '../../kit/clients/python-tests.ts'

const test = suite('Flask sessions of coatcheck.py')

await addPythonTests(test, 'test_flask', { needs: ['flask'], server: true })
await addPythonTests(test, 'test_flask_races', { needs: ['flask'], server: true })

test.run()
