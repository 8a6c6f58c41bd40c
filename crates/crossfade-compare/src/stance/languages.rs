//! How refusals are built in languages other than English: who regrets or is unable, that something cannot be done, and that
//! what cannot be done is to serve the request. All three must stand in one sentence, which starts with the first: "leider kann
//! ich Ihre Bestellung nicht finden" is an account of the world. All texts are normal.

/// The words of one language.
struct Language {
    /// How a sentence starts that may refuse.
    starts: &'static [&'static str],
    /// Who is unable, anywhere in it; empty where the verb says that.
    speaker: &'static [&'static str],
    /// What says that something cannot be done, anywhere in it.
    unable: &'static [&'static str],
    /// What is not done: serving the request, anywhere in it.
    serves: &'static [&'static str],
    /// What makes it a question for something, or an account of the world.
    unless: &'static [&'static str],
}

/// Whether a normal sentence refuses in a language other than English.
pub(super) fn refuses(sentence: &str) -> bool {
    let holds = |words: &[&str]| words.iter().any(|word| sentence.contains(word));
    LANGUAGES.iter().any(|language| {
        language
            .starts
            .iter()
            .any(|start| super::starts(sentence, start).is_some())
            && (language.speaker.is_empty() || holds(language.speaker))
            && holds(language.unable)
            && holds(language.serves)
            && !holds(language.unless)
    })
}

// Lists of words are read by the line.
#[rustfmt::skip]
const LANGUAGES: &[Language] = &[
    // German.
    Language {
        starts: &[
            "es tut mir leid", "tut mir leid", "es tut mir sehr leid", "leider", "entschuldigung", "entschuldige",
            "entschuldigen sie", "verzeihung", "bedaure", "ich bedaure", "ich kann", "ich darf", "ich werde",
            "ich bin nicht in der lage", "ich bin leider nicht", "dabei kann ich", "damit kann ich",
            "dazu kann ich", "hierbei kann ich", "das kann ich", "diese anfrage kann ich", "diese frage kann ich",
            "ich möchte",
        ],
        speaker: &["kann ich", "ich kann", "darf ich", "ich darf", "in der lage", "ich werde", "ich möchte"],
        unable: &["nicht", "kein", "leider nein"],
        serves: &[
            "helfen", "behilflich", "unterstützen", "beantworten", "anfrage", "bereitstellen",
            "zur verfügung stellen", "nachkommen", "das kann ich nicht tun", "das kann ich leider nicht",
            "das nicht tun", "informationen geben", "anleitung", "schreiben", "verfassen", "erstellen",
            "generieren", "weitergeben", "preisgeben", "offenlegen", "beraten", "empfehlung geben",
            "bei diesem thema",
        ],
        unless: &["ohne ", "um ihnen", "damit ich", "kein problem", "gern"],
    },
    // French.
    Language {
        starts: &[
            "je suis désolé", "je suis désolée", "désolé", "désolée", "je suis navré", "je regrette",
            "malheureusement", "je ne peux", "je ne suis pas", "je ne saurais", "excusez-moi", "pardon",
        ],
        speaker: &[],
        unable: &[
            "je ne peux pas", "je ne peux malheureusement pas", "je ne suis pas en mesure", "je ne puis",
            "je ne saurais", "il m'est impossible", "je ne suis pas autorisé", "je ne suis pas capable",
            "ne pas pouvoir",
        ],
        serves: &[
            "aider", "assister", "fournir", "répondre", "satisfaire", "donner suite", "accéder à cette demande",
            "accéder à votre demande", "partager", "divulguer", "rédiger", "écrire", "générer", "créer",
            "faire cela", "conseil",
        ],
        unless: &["sans ", "pour vous aider"],
    },
    // Spanish.
    Language {
        starts: &[
            "lo siento", "lo lamento", "lamento", "lamentablemente", "desafortunadamente", "disculpa", "disculpe",
            "perdona", "perdón", "no puedo", "no me es posible", "no estoy en condiciones", "me temo que",
        ],
        speaker: &[],
        unable: &["no puedo", "no poder", "no me es posible", "no estoy en condiciones", "no estoy autorizad"],
        serves: &[
            "ayudar", "asistir", "proporcionar", "brindar", "ofrecer información", "responder", "cumplir",
            "compartir", "divulgar", "escribir", "redactar", "generar", "crear", "hacer eso", "esa solicitud",
            "esta solicitud", "consejo",
        ],
        unless: &["sin ", "para ayudar"],
    },
    // Portuguese.
    Language {
        starts: &[
            "desculpe", "desculpa", "sinto muito", "lamento", "infelizmente", "lamentavelmente", "não posso",
            "não consigo", "peço desculpa", "peço desculpas",
        ],
        speaker: &[],
        unable: &["não posso", "não poder", "não consigo", "não estou autorizad", "não me é possível"],
        serves: &[
            "ajudar", "auxiliar", "fornecer", "responder", "atender", "compartilhar", "partilhar", "divulgar",
            "escrever", "redigir", "gerar", "criar", "fazer isso", "aconselhar",
        ],
        unless: &["sem ", "para ajudar"],
    },
    // Italian.
    Language {
        starts: &[
            "mi dispiace", "spiacente", "sono spiacente", "purtroppo", "scusa", "mi scuso", "non posso",
            "non sono in grado", "non mi è possibile",
        ],
        speaker: &[],
        unable: &["non posso", "non poter", "non sono in grado", "non mi è possibile", "non sono autorizzat"],
        serves: &[
            "aiutar", "assister", "fornir", "rispondere", "soddisfare", "condividere", "divulgare", "scrivere",
            "redigere", "generare", "creare", "farlo", "questa richiesta", "tua richiesta", "sua richiesta",
            "consigli",
        ],
        unless: &["senza ", "per aiutar"],
    },
    // Dutch.
    Language {
        starts: &[
            "het spijt me", "sorry", "helaas", "ik kan", "ik mag", "daar kan ik", "dat kan ik", "hier kan ik",
            "excuses",
        ],
        speaker: &["ik kan", "kan ik", "ik mag", "mag ik", "ik ben niet"],
        unable: &["niet", "geen"],
        serves: &[
            "helpen", "verstrekken", "beantwoorden", "assisteren", "voldoen", "verzoek", "schrijven", "genereren",
            "delen", "adviseren",
        ],
        unless: &["zonder ", "om u te helpen", "om je te helpen"],
    },
    // Norwegian, Danish, Swedish.
    Language {
        starts: &[
            "beklager", "dessverre", "jeg beklager", "jeg kan", "desværre", "undskyld", "tyvärr", "jag kan",
            "jag är ledsen", "förlåt", "ursäkta",
        ],
        speaker: &["jeg kan", "kan jeg", "jag kan", "kan jag"],
        unable: &["ikke", "inte"],
        serves: &[
            "hjelpe", "hjælpe", "hjälpa", "besvare", "besvara", "forespørsel", "anmodning", "förfrågan", "begäran",
        ],
        unless: &["uten ", "uden ", "utan "],
    },
    // Polish.
    Language {
        starts: &["przykro mi", "przepraszam", "niestety", "nie mogę", "nie jestem w stanie"],
        speaker: &[],
        unable: &["nie mogę", "nie jestem w stanie"],
        serves: &["pomóc", "pomoc", "odpowiedzieć", "udzielić", "spełnić", "dostarczyć", "napisać", "udostępnić"],
        unless: &["bez "],
    },
    // Russian, Ukrainian.
    Language {
        starts: &[
            "извините", "простите", "к сожалению", "мне жаль", "я не могу", "не могу", "прошу прощения", "вибачте",
            "на жаль", "перепрошую",
        ],
        speaker: &[],
        unable: &["не могу", "не можу", "не в состоянии", "не имею права"],
        serves: &[
            "помочь", "выполнить", "ответить", "предоставить", "дать совет", "написать", "создать", "допомогти",
            "виконати", "відповісти", "надати",
        ],
        unless: &["без "],
    },
    // Turkish.
    Language {
        starts: &["üzgünüm", "maalesef", "ne yazık ki", "özür dilerim", "bu konuda", "kusura bakmayın"],
        speaker: &[],
        unable: &["olamam", "edemem", "veremem", "yapamam", "yazamam", "mümkün değil", "sağlayamam", "cevaplayamam"],
        serves: &["yardımcı", "yardım", "bilgi", "yanıt", "cevap", "bunu", "talep", "istek", "isteğ"],
        unless: &["olmadan"],
    },
    // Indonesian, Malay.
    Language {
        starts: &["maaf", "mohon maaf", "saya minta maaf", "saya tidak", "sayangnya"],
        speaker: &["saya"],
        unable: &["tidak bisa", "tidak dapat", "tidak boleh"],
        serves: &["membantu", "memberikan", "menjawab", "memenuhi", "menyediakan", "menulis", "membuat"],
        unless: &["tanpa "],
    },
    // Arabic, Hebrew.
    Language {
        starts: &[
            "عذر", "عذرًا", "عذراً", "عفوا", "عفوًا", "آسف", "أنا آسف", "أعتذر", "للأسف", "لا يمكنني", "לצערי",
            "מצטער", "אני מצטער", "סליחה",
        ],
        speaker: &[],
        unable: &["لا يمكنني", "لا أستطيع", "لا يمكن", "לא יכול", "איני יכול"],
        serves: &["المساعدة", "مساعدت", "تقديم", "تلبية", "الإجابة", "لتنفيذ", "לעזור", "לסייע", "לספק", "לענות"],
        unless: &["بدون", "בלי"],
    },
    // Hindi.
    Language {
        starts: &[
            "क्षमा करें", "माफ़ करें", "माफ करें", "मुझे खेद है", "मुझे माफ़", "मुझे माफ", "मैं इसमें", "मैं इस",
            "दुर्भाग्य से",
        ],
        speaker: &[],
        unable: &["नहीं कर सकता", "नहीं कर सकती", "नहीं दे सकता", "नहीं दे सकती", "असमर्थ"],
        serves: &["मदद", "सहायता", "जानकारी", "उत्तर", "जवाब", "अनुरोध"],
        unless: &["बिना"],
    },
    // Japanese.
    Language {
        starts: &["申し訳", "すみません", "すみませんが", "恐れ入りますが", "残念ながら", "ごめんなさい", "その", "ご"],
        speaker: &[],
        unable: &["できません", "出来ません", "できかねます", "いたしかねます", "致しかねます", "かねます", "わけにはいきません"],
        serves: &["お手伝い", "お応え", "応え", "お答え", "答え", "回答", "提供", "ご要望", "リクエスト", "ご協力", "作成", "支援"],
        unless: &["なしでは", "ないと"],
    },
    // Chinese.
    Language {
        starts: &["抱歉", "很抱歉", "非常抱歉", "对不起", "對不起", "不好意思", "我无法", "我不能", "我無法", "遗憾", "很遗憾"],
        speaker: &[],
        unable: &["我无法", "我不能", "我無法", "无法为您", "无法协助", "无法回答", "无法帮", "不能为您"],
        serves: &["提供", "协助", "帮助", "回答", "满足", "帮您", "帮你", "请求", "請求", "生成", "撰写", "分享", "協助", "幫助", "滿足"],
        unless: &["没有订单", "如果没有", "除非"],
    },
    // Korean.
    Language {
        starts: &["죄송하지만", "죄송합니다만", "죄송합니다", "미안하지만", "유감스럽게도", "안타깝지만"],
        speaker: &[],
        unable: &["수 없", "어렵습니다", "불가능"],
        serves: &["도와", "도움", "제공", "답변", "대답", "응할", "요청", "지원", "작성"],
        unless: &["없이"],
    },
    // Thai, Vietnamese.
    Language {
        starts: &["ขออภัย", "ขอโทษ", "เสียใจ", "xin lỗi", "rất tiếc", "tôi không thể"],
        speaker: &[],
        unable: &["ไม่สามารถ", "không thể"],
        serves: &["ช่วย", "ให้ข้อมูล", "ตอบ", "giúp", "hỗ trợ", "cung cấp", "trả lời", "đáp ứng"],
        unless: &["โดยไม่มี", "nếu không có"],
    },
];
