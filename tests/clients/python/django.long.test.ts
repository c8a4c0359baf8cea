import { suite } from 'uvu'
import { addPythonTests } from '../../kit/clients/python-tests.ts'

const test = suite('Django sessions of coatcheck.py')

await addPythonTests(test, 'test_django', { needs: ['django'], server: true })

test.run()
