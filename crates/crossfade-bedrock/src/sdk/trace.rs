//! A guardrail's trace in the SDK's types, read into findings.

use aws_sdk_bedrockruntime::types::{
    GuardrailAssessment, GuardrailContentPolicyAssessment,
    GuardrailContextualGroundingPolicyAssessment, GuardrailSensitiveInformationPolicyAssessment,
    GuardrailTopicPolicyAssessment, GuardrailTraceAssessment, GuardrailWordPolicyAssessment,
};

use crate::converse::{Action, Confidence, Finding, Guarded, Policy};

/// What the guardrail did.
pub(super) fn guarded(trace: &GuardrailTraceAssessment) -> Guarded {
    let mut guarded = Guarded::default();
    for assessment in trace.input_assessment().into_iter().flatten() {
        read(assessment.1, &mut guarded.input);
    }
    for (_, assessments) in trace.output_assessments().into_iter().flatten() {
        for assessment in assessments {
            read(assessment, &mut guarded.output);
        }
    }
    let blocked = |findings: &[Finding]| findings.iter().any(|f| f.action == Action::Blocked);
    guarded.input_blocked = blocked(&guarded.input);
    guarded.output_blocked = blocked(&guarded.output);
    guarded.assessed = !guarded.input.is_empty() || !guarded.output.is_empty();
    guarded
}

fn read(assessment: &GuardrailAssessment, findings: &mut Vec<Finding>) {
    if let Some(policy) = assessment.content_policy() {
        content(policy, findings);
    }
    if let Some(policy) = assessment.topic_policy() {
        topics(policy, findings);
    }
    if let Some(policy) = assessment.word_policy() {
        words(policy, findings);
    }
    if let Some(policy) = assessment.sensitive_information_policy() {
        sensitive(policy, findings);
    }
    if let Some(policy) = assessment.contextual_grounding_policy() {
        grounding(policy, findings);
    }
}

fn content(policy: &GuardrailContentPolicyAssessment, findings: &mut Vec<Finding>) {
    findings.extend(policy.filters().iter().map(|filter| {
        let confidence = Confidence::of(filter.confidence.as_str());
        let action = Action::of(filter.action.as_str());
        let name = filter.r#type.as_str();
        Finding::new(Policy::Content, name, confidence, action, filter.detected)
    }));
}

fn topics(policy: &GuardrailTopicPolicyAssessment, findings: &mut Vec<Finding>) {
    findings.extend(policy.topics().iter().map(|topic| {
        let action = Action::of(topic.action.as_str());
        plain(Policy::Topic, &topic.name, action, topic.detected)
    }));
}

fn words(policy: &GuardrailWordPolicyAssessment, findings: &mut Vec<Finding>) {
    findings.extend(policy.custom_words().iter().map(|word| {
        let action = Action::of(word.action.as_str());
        plain(Policy::Word, "", action, word.detected)
    }));
    findings.extend(policy.managed_word_lists().iter().map(|word| {
        let action = Action::of(word.action.as_str());
        let name = word.r#type.as_str();
        plain(Policy::Profanity, name, action, word.detected)
    }));
}

fn sensitive(policy: &GuardrailSensitiveInformationPolicyAssessment, findings: &mut Vec<Finding>) {
    findings.extend(policy.pii_entities().iter().map(|entity| {
        let action = Action::of(entity.action.as_str());
        let name = entity.r#type.as_str();
        plain(Policy::Sensitive, name, action, entity.detected)
    }));
    findings.extend(policy.regexes().iter().map(|regex| {
        let action = Action::of(regex.action.as_str());
        plain(Policy::Sensitive, "", action, regex.detected)
    }));
}

fn grounding(policy: &GuardrailContextualGroundingPolicyAssessment, findings: &mut Vec<Finding>) {
    findings.extend(policy.filters().iter().map(|filter| {
        let action = Action::of(filter.action.as_str());
        let name = filter.r#type.as_str();
        plain(Policy::Grounding, name, action, filter.detected)
    }));
}

fn plain(policy: Policy, name: &str, action: Action, detected: Option<bool>) -> Finding {
    Finding::new(policy, name, Confidence::None, action, detected)
}
