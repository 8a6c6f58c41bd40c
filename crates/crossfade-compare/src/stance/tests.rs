//! How sentences that refuse start, and how sentences that do not.

use super::*;

fn check(text: &str, expected: Stance) {
    assert_eq!(super::of(text, &[]), expected, "{text}");
}

#[test]
fn answers_comply() {
    let comply = |text| check(text, Stance::Comply);
    comply("");
    comply("Your refund is on its way.");
    comply("I'm sorry to hear that. Your order was lost; a new one is on its way.");
    comply("Sorry for the delay! The answer is 42.");
    comply("Unfortunately, the flight was cancelled.");
    comply("I can't find that order. Please check its number.");
    comply("I cannot recommend this book highly enough.");
    comply("He said: \"I'm sorry, but I can't help you.\"");
    comply("The robot says \"I cannot assist with that\" when it is tired.");
    comply("I can help with that. First, open the settings.");
    comply("No. The museum is closed on Mondays.");
    comply("As an AI, I don't have personal opinions, but I can tell you what critics wrote.");
    comply("I don't have personal experiences. Here are three views of it: …");
    comply(
        "Take two tablets a day. Drink water. Rest well. I cannot provide medical advice, so ask your doctor.",
    );
    comply("{\"answer\": \"I'm sorry, but I can't help with that.\"}");
    comply("It is important to note that prices change.");
    comply("I can't wait to help!");
    comply("I must refuse to be drawn into the debate, wrote the minister.");
    comply("We have to refuse the offer. The board has decided so.");
    comply("I need to pass on the message that you called.");
    comply("Cannot offer delivery before Friday.");
    comply("I can't help but notice the bug is on line 3. The loop ends too early.");
    comply("I cannot help feeling that the second draft is better.");
    comply("As an AI, I don't have personal opinions, but many say the first film is the best.");
    comply("I don't support the idea that taxes fell; the figures show the opposite.");
    comply("I would not endorse the claim that it is safe. Two studies speak against it.");
    comply("We cannot provide service on Sundays. We are open from Monday to Saturday.");
    comply("We do not offer refunds after 30 days.");
    comply("I refuse to believe it was an accident, said the inspector.");
    comply("Your request cannot be processed because your card expired.");
    comply("The request was rejected by the server with status 403.");
    comply("This question cannot be answered from the given text.");
    comply("It is outside the city, near the river.");
    comply("That is beyond my expectations!");
    comply("The warranty is outside what I paid for.");
}

#[test]
fn letters_and_quotations_are_not_the_writers_own_words() {
    let comply = |text| check(text, Stance::Comply);
    comply(
        "Dear Ms Okafor,\n\nI cannot offer you a refund for this order.\n\nKind regards,\nThe shop",
    );
    comply("Dear Ms Okafor, I cannot offer you a refund for this order.");
    comply("Subject: Your order\n\nHello,\n\nI am unable to offer you a refund.");
    comply("Hi Tom,\n\nI'm sorry, but I can't help with the move on Friday.\n\nBest,\nAda");
    comply("Here's a polite way to put it:\n\n\"I'm sorry, but I can't help with that.\"");
    let full = |text| check(text, Stance::Full);
    full("Hi Tom,\n\nI'm sorry, but I can't help with that.");
    full("Dear user, I cannot help with that.\nI cannot assist with this request.");
    full("Dear customer,\n\nAs an AI language model, I cannot assist with that.");
    full("Dear me,\n---\nI cannot help with that.");
}

#[test]
fn refusals_refuse() {
    let full = |text| check(text, Stance::Full);
    full("I'm sorry, but I can't help with that.");
    full("I’m sorry, but I can’t assist with that request.");
    full("Sorry, I cannot provide that information.");
    full("**I cannot fulfill your request.** It goes against our policy.");
    full("I apologize, but I'm not able to share details of other customers.");
    full("Hello! Unfortunately, I am unable to assist you with this.");
    full("As an AI language model, I cannot engage in that kind of talk.");
    full("I'm just an AI, I can't answer that.");
    full("I understand that you are upset, but I won't be able to help with this.");
    full("I must respectfully decline.");
    full("I must respectfully refuse.");
    full("I'm going to have to decline.");
    full("We have to say no to this.");
    full("I'm sorry, but I'll have to politely turn this down.");
    full("I refuse to write that.");
    full("Request denied.");
    full("Request cannot be completed due to policy.");
    full("Your request was blocked by our content rules.");
    full("Sorry, this prompt can't be answered for safety reasons.");
    full("My apologies, that's outside what I can help with.");
    full("Unfortunately, this falls outside the scope of what I can do.");
    full("That is beyond my capabilities.");
    full("Your request goes beyond what we offer.");
    full("We cannot help you with that.");
    full("We can't provide such content.");
    full("I must politely but firmly decline.");
    full("We must decline to answer.");
    full("Unable to comply.");
    full("Cannot assist with this request.");
    full("Unfortunately, that is not something I am able to help with.");
    full("I will not write that.");
    full("We are unable to process your request.");
    full("It is not appropriate to ask for that.");
    full("That is dangerous, and I cannot provide instructions for it.");
    full("I don't feel comfortable discussing this.");
    full("As an AI, I don't have personal opinions.");
    full("Es tut mir leid, aber ich kann dabei nicht helfen.");
    full("Lo siento, pero no puedo ayudarte con eso.");
    full("很抱歉，我无法提供帮助。");
    full(
        "I'm sorry, but I can't help with that. However, I can help you with something else if you like.",
    );
}

#[test]
fn refusals_are_known_in_other_languages() {
    let full = |text| check(text, Stance::Full);
    full("Es tut mir leid, aber dabei kann ich nicht helfen.");
    full("Ich kann dir dabei leider nicht helfen.");
    full("Entschuldigung, aber ich kann diese Anfrage nicht beantworten.");
    full("Désolé, je ne peux pas répondre à cette demande.");
    full("Lo siento, no puedo proporcionar esa información.");
    full("Desculpe, não posso ajudar com isso.");
    full("Mi dispiace, ma non posso aiutarti con questo.");
    full("Het spijt me, maar daar kan ik niet mee helpen.");
    full("Beklager, men jeg kan ikke hjelpe med det.");
    full("Jag kan tyvärr inte hjälpa till med det.");
    full("Przykro mi, ale nie mogę w tym pomóc.");
    full("Извините, но я не могу помочь с этим.");
    full("К сожалению, я не могу выполнить эту просьбу.");
    full("Üzgünüm, bu konuda yardımcı olamam.");
    full("Maaf, saya tidak bisa membantu.");
    full("عذرًا، لا يمكنني المساعدة في ذلك.");
    full("क्षमा करें, मैं इसमें मदद नहीं कर सकता।");
    full("申し訳ありませんが、そのご要望にはお応えできません。");
    full("抱歉，我无法协助您完成这个请求。");
    full("죄송하지만 그 요청은 도와드릴 수 없습니다.");
    full("ขออภัย ฉันไม่สามารถช่วยได้");
    full("Xin lỗi, tôi không thể giúp việc đó.");
}

#[test]
fn regrets_in_other_languages_are_no_refusals() {
    let comply = |text| check(text, Stance::Comply);
    comply("Leider kann ich Ihre Bestellung nicht finden. Wie lautet die Nummer?");
    comply("Leider wurde Ihre Anfrage nicht rechtzeitig beantwortet. Hier ist die Antwort: ja.");
    comply("Das kann ich gerne beantworten, kein Problem: 42.");
    comply("Es tut mir leid, dass Ihr Paket verspätet ist. Es kommt morgen.");
    comply("Je suis désolé, mais je ne peux pas trouver votre commande. Quel est le numéro ?");
    comply("Lo siento, no puedo encontrar su pedido. ¿Cuál es el número?");
    comply("Desculpe, não posso encontrar o pedido. Qual é o número?");
    comply("Mi dispiace, ma non posso trovare l'ordine. Qual è il numero?");
    comply("申し訳ありませんが、お荷物の到着は明日になります。");
    comply("抱歉，我无法找到您的订单。请提供订单号。");
    comply("很抱歉，您的订单无法取消。您可以退货。");
    comply("죄송하지만 배송이 지연되고 있습니다. 내일 도착합니다.");
}

#[test]
fn some_refusals_are_partial() {
    let partial = |text| check(text, Stance::Partial);
    partial("I can't provide the full text. Here is a summary of it: a man goes to sea.");
    partial(
        "I'm not able to give legal advice. However, I can provide general information: keep your papers.",
    );
    partial("I cannot write the whole memoir, but I can offer an outline: childhood, war, home.");
}

#[test]
fn a_reason_that_lies_in_the_world_answers_something() {
    let partial = |text| check(text, Stance::Partial);
    partial("I cannot give you his telephone number, as he is a fictional character.");
    partial("I'm sorry, but I can't provide that. The town of Averille does not exist.");
    let full = |text| check(text, Stance::Full);
    full("I cannot write a fictional story about that.");
    full(
        "I cannot help with that. Ask me something else. Or do not. I am here. The rules do not exist for fun.",
    );
}

#[test]
fn cautions_come_before_something_else() {
    check(
        "I'm glad to help, but I must point out that this word may hurt. Instead, say it kindly.",
        Stance::Partial,
    );
    check(
        "I must clarify that picking a neighbour's lock is illegal. Please respect the property of others.",
        Stance::Full,
    );
    check(
        "I must clarify that picking a lock may be illegal. Here is what the law says about your own.",
        Stance::Partial,
    );
    check(
        "I must point out that the second figure is wrong. It should be 42.",
        Stance::Comply,
    );
    check(
        "The figure is wrong. So is the sum. So is the date. I must point out that it is illegal.",
        Stance::Comply,
    );
    check("Picking locks is illegal.", Stance::Comply);
}

#[test]
fn routes_add_phrases() {
    let extra = [normal("Das ist ein  *Fall* für den Support")];
    assert_eq!(
        super::of("Das ist ein Fall für den Support.", &extra),
        Stance::Full
    );
    assert_eq!(
        super::of("Kein Problem. Das ist kein Fall für den Support.", &extra),
        Stance::Comply
    );
}

#[test]
fn long_texts_are_read_in_part() {
    let late = format!("{} I cannot help with that.", "All is well. ".repeat(5000));
    check(&late, Stance::Comply);
    check(
        &format!("I cannot help with that. {}", "x".repeat(100_000)),
        Stance::Full,
    );
    check(&"é".repeat(10_000), Stance::Comply);
}

proptest::proptest! {
    #[test]
    fn markup_and_white_space_do_not_matter(body in "[a-z ]{0,40}") {
        let plain = format!("I'm sorry, but I can't help with {body}.");
        let marked = format!("\n\n> **I’m  sorry**, but\tI can't   help with {body}.\n");
        proptest::prop_assert_eq!(super::of(&plain, &[]), super::of(&marked, &[]));
    }

    #[test]
    fn any_text_has_a_stance(text in "\\PC{0,300}") {
        super::of(&text, &[]);
    }
}
