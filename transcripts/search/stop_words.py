"""Words too common to be looked for, per language, lower case with their accents.

Function words only. A word that also means something (`été`, the summer) is in the list where its function is
by far the more common.
"""

_LISTS = {
    "de": """
        aber alle allem allen aller alles als also am an ander andere anderem anderen anderer anderes auch
        auf aus bei bin bis bist da damit dann das dass dasselbe dazu dein deine deinem deinen deiner dem
        demselben den denn denselben der derer derselbe des desselben dessen dich die dies diese diesem
        diesen dieser dieses dir doch dort du durch ein eine einem einen einer eines er es etwas euch euer
        eure eurem euren eurer für gegen gewesen hab habe haben hat hatte hatten hier hin hinter ich ihm
        ihn ihnen ihr ihre ihrem ihren ihrer im in indem ins ist ja jede jedem jeden jeder jedes jene
        jenem jenen jener jenes jetzt kann kein keine keinem keinen keiner können könnte man manche mein
        meine meinem meinen meiner mich mir mit muss musste nach nicht nichts noch nun nur ob oder ohne
        sehr sein seine seinem seinen seiner seit selbst sich sie sind so solche soll sollte sondern sonst
        um und uns unser unsere unserem unseren unserer unter vom von vor war waren warst was weg weil
        weiter welche welchem welchen welcher wenn werde werden wie wieder will wir wird wirst wo wollen
        wollte während würde würden zu zum zur zwar zwischen über
    """,
    "en": """
        a about above after again against all am an and any are aren't as at be because been before being
        below between both but by can cannot can't could couldn't did didn't do does doesn't doing don't
        down during each few for from further had hadn't has hasn't have haven't having he he'd he'll he's
        her here here's hers herself him himself his how how's i i'd i'll i'm i've if in into is isn't it
        it's its itself just let's me more most mustn't my myself no nor not now of off on once only or
        other ought our ours ourselves out over own same shan't she she'd she'll she's should shouldn't so
        some such than that that's the their theirs them themselves then there there's these they they'd
        they'll they're they've this those through to too under until up very was wasn't we we'd we'll
        we're we've were weren't what what's when when's where where's which while who who's whom why
        why's will with won't would wouldn't you you'd you'll you're you've your yours yourself yourselves
    """,
    "es": """
        a al algo algunas algunos ante antes aquel aquella aquellas aquellos aquí así aunque cada casi
        como con contra cual cuales cualquier cuando cuanto de del desde donde dos durante e el ella ellas
        ellos en entonces entre era eran eras es esa esas ese eso esos esta estaba estaban estado estamos
        estar estas este esto estos estoy está están fue fueron fui ha haber habido había habían han has
        hasta hay he hemos la las le les lo los me mi mis mucho muchos muy más mí mía mías mío míos nada
        ni no nos nosotras nosotros nuestra nuestras nuestro nuestros o os otra otras otro otros para pero
        poco por porque pues que quien quienes qué se sea sean ser será si sido siempre sin sobre sois
        solo somos son soy su sus suya suyas suyo suyos sí sólo también tan tanto te tenemos tener tengo
        ti tiene tienen todo todos tu tus tuya tuyo tú un una unas uno unos vosotras vosotros vuestra
        vuestro y ya yo él éramos
    """,
    "fr": """
        a afin ai aie aient aies ainsi ait alors après as au aucun aucune aura aurai auraient aurais
        aurait auras aurez auriez aurions aurons auront aussi autre autres aux avaient avais avait avant
        avec avez aviez avions avoir avons ayant ayez ayons bien c car ce ceci cela celle celles celui
        cependant ces cet cette ceux chaque chez ci comme comment d dans de depuis des donc dont du elle
        elles en encore entre es est et eu eue eues eurent eus eusse eut eux eûmes eût fait fut furent fus
        fûmes fût ici il ils j je jusque l la laquelle le lequel les lesquels leur leurs lors lorsque lui
        là m ma mais me mes moi moins mon même mêmes n ne ni non nos notre nous nôtre on ont or ou où par
        parce pas pendant peu peut plus plutôt pour pourquoi puis puisque qu quand que quel quelle quelles
        quels qui quoi s sa sans se sera serai seraient serais serait seras serez seriez serions serons
        seront ses seulement si sinon sois soit soient sommes son sont sous soyez soyons suis sur t ta
        tandis te tel telle telles tels tes toi ton tous tout toute toutes très tu un une vers vos votre
        vous vôtre y à ça étaient étais était étant étiez étions été êtes être
    """,
    "it": """
        a abbia abbiamo agli ai al alla alle allo anche avere avete aveva avevano avevo c che chi ci coi
        col come con contro cui da dagli dai dal dalla dalle dallo degli dei del della delle dello di dov
        dove e ebbe ecco ed era erano eravamo ero essere fra fu furono già gli ha hai hanno ho i il in io
        l la le lei li lo loro lui ma me mi mia mie miei mio molto ne negli nei nel nella nelle nello no
        noi non nostra nostre nostri nostro o ogni per perché però più poi qua quale quali quando quanta
        quante quanti quanto quella quelle quelli quello questa queste questi questo qui se sei senza si
        sia siamo siano siete solo sono sta stai stanno stata stati stato sto su sua sue sugli sui sul
        sulla sulle sullo suo suoi te ti tra tu tua tue tuo tuoi tutti tutto un una uno vi voi vostra
        vostre vostri vostro è
    """,
    "nl": """
        aan al alles als altijd andere ben bij daar dan dat de der deze die dit doch doen door dus een en
        er ge geen geweest haar had hadden heb hebben heeft hem het hier hij hoe hun iemand iets ik in is
        ja je jij jou jouw jullie kan kon kunnen maar me meer men met mij mijn moet moeten na naar niet
        niets nog nu of om omdat ons onze ook op over reeds te tegen tot u uit uw van veel voor waar waren
        was wat we wel werd wezen wie wij wil worden wordt zal ze zei zelf zich zij zijn zo zonder zou
        zouden
    """,
}

STOP_WORDS = {language: frozenset(words.split()) for language, words in _LISTS.items()}
