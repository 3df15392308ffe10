// Settings pages and validation, as an application has them: react-jsonschema-form and Ajv.
//
//   node form.mjs NODE_MODULES < jobs
//
// A job is {schema, data, metadata}: the page is drawn with the data, and each metadata judged. Its
// answer is {html, filled, errors}: the page, what it sends untouched, the places of each refusal.

import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

const require = createRequire(`${process.argv[2]}/`);
const Ajv2020 = require("ajv/dist/2020").default;
const Form = require("@rjsf/core").default;
const { getDefaultFormState } = require("@rjsf/utils");
const { customizeValidator } = require("@rjsf/validator-ajv8");
const { createElement } = require("react");
const { renderToStaticMarkup } = require("react-dom/server");

const validator = customizeValidator({ AjvClass: Ajv2020 });

// All that Ajv can refuse in a schema, it refuses.
const strict = { strict: true, strictTypes: true, strictTuples: true, strictRequired: true };

function page({ schema, data, metadata }) {
  const validate = new Ajv2020({ ...strict, allErrors: true }).compile(schema);
  return {
    html: renderToStaticMarkup(createElement(Form, { schema, validator, formData: data })),
    filled: getDefaultFormState(validator, schema, data, schema),
    errors: metadata.map((one) => (validate(one) ? [] : validate.errors.map(place))),
  };
}

function place({ instancePath, message, params }) {
  return `${instancePath}/${params.propertyName ?? params.additionalProperty ?? ""} ${message}`;
}

const jobs = JSON.parse(await text(process.stdin));
process.stdout.write(JSON.stringify(jobs.map(page)));
